//! Good streams, however they are cut and dressed.

use thymos_cognition::{AdapterKind, Prices};
use thymos_core::secret::Secret;
use thymos_ports::cognition::{ProposedCall, TokenUsage, Turn, TurnStop};

use crate::server::{CUT, KEY, KINDS, Server, WHOLE, answer, chunked, good, propose, spec, stream};

fn expected() -> Turn {
    Turn {
        text: "Hello".to_owned(),
        reasoning: String::new(),
        provider_state: None,
        calls: vec![ProposedCall {
            call: "a".to_owned(),
            tool: "grep".to_owned(),
            args: serde_json::json!({"x": 1}),
            malformed: None,
        }],
        stop: TurnStop::Calls,
        usage: TokenUsage {
            input: 10,
            output: 5,
            ..TokenUsage::default()
        },
        attempts: 1,
    }
}

#[tokio::test]
async fn a_stream_in_one_byte_chunks_is_the_same_turn() {
    for kind in KINDS {
        let body = good(kind);
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        let server = Server::start(vec![chunked(&bytes, WHOLE)]).await;
        let heard = propose(spec(kind, &server.url)).await;
        assert_eq!(heard.result, Ok(expected()));
        assert_eq!(heard.bits, ["Hel", "lo", "<grep>"]);
    }
}

#[tokio::test]
async fn line_ends_a_byte_order_mark_done_and_content_types_do_not_matter() {
    for kind in KINDS {
        let body = good(kind);
        let crlf = format!(
            "\u{feff}: hi\r\n\r\n{}data: [DONE]\r\n\r\n",
            body.replace('\n', "\r\n")
        );
        let bare = body.trim_end().to_owned();
        for body in [crlf, bare] {
            for head in [
                "",
                "Content-Type: text/event-stream; charset=utf-8\r\n",
                "content-type: text/plain\r\n",
            ] {
                let server = Server::start(vec![answer("200 OK", head, &body)]).await;
                let heard = propose(spec(kind, &server.url)).await;
                assert_eq!(heard.result, Ok(expected()), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn a_break_after_the_stop_reason_is_no_fault() {
    let body = good(AdapterKind::OpenAi);
    let server = Server::start(vec![chunked(&[body.as_bytes()], CUT)]).await;
    let heard = propose(spec(AdapterKind::OpenAi, &server.url)).await;
    assert_eq!(heard.result, Ok(expected()));
}

#[tokio::test]
async fn the_request_goes_where_it_should_with_the_key_once() {
    for (kind, path, header) in [
        (
            AdapterKind::OpenAi,
            "POST /v1/chat/completions HTTP",
            format!("authorization: Bearer {KEY}"),
        ),
        (
            AdapterKind::Anthropic,
            "POST /v1/messages HTTP",
            format!("x-api-key: {KEY}"),
        ),
    ] {
        for suffix in ["", "/", "/v1", "/v1/"] {
            let server = Server::start(vec![stream(&good(kind))]).await;
            let mut spec = spec(kind, &format!("{}{suffix}", server.url));
            spec.headers
                .push(("X-Team".to_owned(), Secret::new("blue-team".to_owned())));
            propose(spec).await.result.unwrap();
            let request = &server.requests()[0];
            assert!(request.starts_with(path), "{request}");
            assert_eq!(request.matches(&header).count(), 1, "{request}");
            assert_eq!(request.matches(KEY).count(), 1);
            assert!(request.contains("x-team: blue-team"), "{request}");
            assert!(request.contains("\"model\":\"some-model\""), "{request}");
        }
    }
}

#[tokio::test]
async fn a_price_of_the_spec_is_charged_to_the_millicent() {
    let server = Server::start(vec![stream(&good(AdapterKind::OpenAi))]).await;
    let mut spec = spec(AdapterKind::OpenAi, &server.url);
    spec.prices = Some(Prices {
        input: 300_000,
        cached: 30_000,
        cache_written: 300_000,
        output: 1_500_000,
    });
    // 10 x 0.3 + 5 x 1.5 = 10.5
    let usage = propose(spec).await.result.unwrap().usage;
    assert_eq!(usage.usd_millicents, Some(11));
}
