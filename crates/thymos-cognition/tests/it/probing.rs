//! Probing a provider, and the offline kinds.

use thymos_cognition::{AdapterKind, ConnectError, ModelSpec, ScriptedModel, connect, probe};
use thymos_ports::cognition::ModelFaultKind;
use tokio_util::sync::CancellationToken;

use crate::server::{KEY, Server, propose_with, reply, services, spec};

#[tokio::test]
async fn a_probe_lists_models_and_finds_the_wanted_one() {
    let list = "{\"data\":[{\"id\":\"some-model\"},{\"id\":\"other\"}]}";
    let server = Server::start(vec![reply("200 OK", "application/json", list)]).await;
    let report = probe(&spec(AdapterKind::OpenAi, &server.url), &services()).await;
    assert!(report.ok);
    assert_eq!(report.models, ["some-model", "other"]);
    let lines = [
        "`here` answers in 0 ms and lists 2 models",
        "model `some-model` is among them",
    ];
    assert_eq!(report.lines, lines);
    assert!(server.requests()[0].starts_with("GET /v1/models HTTP"));
}

#[tokio::test]
async fn a_failed_probe_is_a_sentence_and_a_hint() {
    let refused = format!("{{\"error\":\"no {KEY}\"}}");
    for (play, line) in [
        (
            reply("401 Unauthorized", "application/json", &refused),
            "`here` refused the key (401)",
        ),
        (
            reply("200 OK", "text/html", "<html>"),
            "`here` answered in a way its protocol does not know: something that is no model list",
        ),
    ] {
        let server = Server::start(vec![play]).await;
        let report = probe(&spec(AdapterKind::Anthropic, &server.url), &services()).await;
        assert!(!report.ok && report.hint.is_some());
        assert_eq!(report.lines, [line]);
        assert!(!format!("{report:?}").contains(KEY));
    }
}

#[tokio::test]
async fn the_practice_model_needs_no_probe() {
    assert!(probe(&ModelSpec::practice(), &services()).await.ok);
    let model = connect(ModelSpec::practice(), services()).unwrap();
    assert_eq!(model.identity().provider, "practice");
}

#[test]
fn a_script_that_is_not_there_is_named() {
    let spec = ModelSpec::new("s", AdapterKind::Scripted, "/no/such/script.jsonl", "m");
    let refused = connect(spec, services()).err().unwrap();
    assert!(matches!(&refused, ConnectError::ScriptUnreadable { .. }));
    assert!(refused.to_string().contains("`/no/such/script.jsonl`"));
}

#[test]
fn an_address_with_tls_connects_without_asking_anyone() {
    let spec = spec(AdapterKind::OpenAi, "https://example.com/v1");
    let connected = connect(spec, services());
    let missing = matches!(&connected, Err(ConnectError::Tls { .. }));
    assert!(connected.is_ok() || missing);
}

#[tokio::test]
async fn a_script_plays_its_first_line_and_says_when_it_is_over() {
    let script = r#"{"text":"hi","calls":[{"tool":"grep","args":{"x":1}},{"tool":"glob","malformed":"{oops"}]}"#;
    let cancel = CancellationToken::new();
    let model = ScriptedModel::parse("s", "m", script).unwrap();
    let heard = propose_with(&model, &cancel, |_| {}).await;
    assert_eq!(heard.bits, ["hi", "<grep>", "<glob>"]);
    let calls = heard.result.unwrap().calls;
    assert_eq!(calls[0].args, serde_json::json!({"x": 1}));
    assert_eq!(calls[1].malformed.as_deref(), Some("{oops"));

    let empty = ScriptedModel::parse("s", "m", "").unwrap();
    let fault = propose_with(&empty, &cancel, |_| {})
        .await
        .result
        .unwrap_err();
    assert_eq!(fault.kind, ModelFaultKind::NotFound);
    assert_eq!(fault.message, "the script ends after 0 turns");
}
