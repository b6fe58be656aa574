//! What is taken out, what is left alone, and that doing it twice changes nothing.

use proptest::prelude::*;
use serde_json::json;
use thymos_core::body::{Closed, Intended, Message, Role, Stop};
use thymos_core::id::TrajectoryId;
use thymos_core::intent::{Author, Intent};

use super::*;

// No secret-looking literal stands in this file: every fake is put together from parts.
const BODY: &str = "a1B2c3D4e5F6g7H8i9J0kLmN1oPq2RsT3uVw4XyZ5a6B7c8D9e0F";

fn redactor() -> Redactor {
    Redactor::new(Vec::new(), [7; 32])
}

fn knowing(secret: &str) -> Redactor {
    Redactor::new(vec![Secret::new(secret.to_owned())], [7; 32])
}

fn fake(prefix: &str, length: usize) -> String {
    format!("{prefix}{}", BODY.repeat(4).get(..length).unwrap())
}

fn check_taken_out(kind: &str, secret: &str, text: &str) {
    let redacted = redactor().redact_text(text);
    let redacted = redacted.unwrap_or_else(|| panic!("`{kind}` was left in `{text}`"));
    assert!(!redacted.contains(secret), "`{kind}` left in `{redacted}`");
    assert!(
        redacted.contains(&format!("⟦secret:{kind}:")),
        "not marked `{kind}`: `{redacted}`"
    );
    assert_eq!(redactor().redact_text(&redacted), None, "twice is not once");
}

fn check_left_alone(text: &str) {
    assert_eq!(redactor().redact_text(text), None, "false find in `{text}`");
}

fn known_forms() -> Vec<(&'static str, String)> {
    let jwt = format!("{}.{}.{}", fake("eyJ", 20), fake("eyJ", 40), fake("", 43));
    let hex = "0a1b2c3d".repeat(8);
    vec![
        ("anthropic-key", fake(&["sk-", "ant-api03-"].concat(), 90)),
        ("openai-key", fake("sk-", 48)),
        ("openai-key", fake(&["sk-", "proj-"].concat(), 80)),
        ("openai-key", format!("sk-{}v1-{hex}", "or-")),
        ("model-key", fake("gsk_", 52)),
        ("model-key", fake("xai-", 80)),
        ("model-key", fake("hf_", 34)),
        ("model-key", fake("fw_", 24)),
        ("model-key", fake("tgp_v1_", 43)),
        ("google-key", fake("AIza", 35)),
        ("github-token", fake("ghp_", 36)),
        ("github-token", fake("gho_", 36)),
        ("github-token", fake("ghs_", 36)),
        ("github-token", fake("github_pat_", 60)),
        ("gitlab-token", fake("glpat-", 20)),
        ("slack-token", fake("xoxb-", 40)),
        ("slack-token", fake("xoxp-", 40)),
        ("registry-token", fake("npm_", 36)),
        ("registry-token", fake("pypi-", 100)),
        ("aws-key-id", ["AKIA", "Q3EGRKX7PLM2N4WZ"].concat()),
        ("aws-key-id", ["ASIA", "Q3EGRKX7PLM2N4WZ"].concat()),
        ("stripe-key", fake("sk_live_", 24)),
        (
            "sendgrid-key",
            format!("SG.{}.{}", fake("", 22), fake("", 43)),
        ),
        ("twilio-key", format!("SK{}", "0a1b2c3d".repeat(4))),
        ("jwt", jwt),
    ]
}

#[test]
fn r1_every_known_form_is_taken_out_wherever_it_stands() {
    for (kind, secret) in known_forms() {
        for text in [
            secret.clone(),
            format!("the value is {secret} and more"),
            format!("(\"{secret}\")"),
            format!("first line\\n{secret}\\nlast"),
            format!("ü{secret}ß"),
        ] {
            check_taken_out(kind, &secret, &text);
        }
    }
}

#[test]
fn r1_every_pattern_compiles_and_every_kind_is_known() {
    let mut spans = Spans::default();
    formats::find("", &mut spans);
    keywords::find("", &mut spans);
    for (kind, secret) in known_forms() {
        assert!(marker::KINDS.contains(&kind), "{secret}");
    }
}

#[test]
fn r1_a_private_key_is_taken_out_also_when_its_end_is_cut_off() {
    let begin = ["-----BEGIN RSA PRIVATE", " KEY-----"].concat();
    let end = ["-----END RSA PRIVATE", " KEY-----"].concat();
    let lines = format!("{}\n{}\n", fake("", 64), fake("", 64));
    check_taken_out(
        "private-key",
        &fake("", 64),
        &format!("{begin}\n{lines}{end}\n"),
    );
    check_taken_out(
        "private-key",
        &fake("", 64),
        &format!("x\n{begin}\n{lines}"),
    );
    let in_json = format!("{begin}\\n{}\\n{end}", fake("", 64));
    check_taken_out("private-key", &fake("", 64), &in_json);
    check_left_alone(&format!(
        "const BEGIN: &str = \"{begin}\";\nconst END: &str = \"{end}\";"
    ));
}

#[test]
fn r1_the_secret_beside_an_aws_key_id_is_taken_out() {
    let id = ["AKIA", "Q3EGRKX7PLM2N4WZ"].concat();
    let secret = fake("", 40);
    check_taken_out("aws-secret", &secret, &format!("{id},{secret}"));
    check_taken_out("aws-secret", &secret, &format!("user\t{id}\n\t{secret}\n"));
    check_left_alone(&format!("no id near {}", fake("", 40)));
}

#[test]
fn r1_the_password_of_a_url_is_taken_out_and_the_rest_stays() {
    let text = "clone https://ada:hunter2@example.org/x.git";
    let redacted = redactor().redact_text(text).unwrap();
    assert!(redacted.starts_with("clone https://ada:⟦secret:url-password:"));
    assert!(redacted.ends_with("⟧@example.org/x.git"));
    check_taken_out("url-password", "p@ss", "postgres://u:p@ss@db:5432/x");
    check_left_alone("postgres://u:${DB_PASSWORD}@db:5432/x");
    check_left_alone("http://localhost:8080/users/@me");
    let path = fake("", 24);
    check_taken_out(
        "webhook",
        &path,
        &format!("https://hooks.slack.com/services/{path}"),
    );
}

#[test]
fn r1_values_beside_telling_names_are_taken_out() {
    let token = fake("", 32);
    for text in [
        format!("api_key={token}"),
        format!("API_KEY = \"{token}\""),
        format!("export GITHUB_TOKEN={token}"),
        format!("{{\"accessToken\": \"{token}\"}}"),
        format!("{{\\\"token\\\":\\\"{token}\\\"}}"),
        format!("client-secret: {token}"),
        format!("Authorization: Bearer {token}"),
        format!("-H 'authorization: token {token}'"),
        format!("Bearer {token}"),
        format!("curl --token {token} x"),
        format!("https://x.org/?a=1&access_token={token}&b=2"),
        format!("let api_key = \"{token}\";"),
        format!("config.secret_key: '{token}'"),
    ] {
        check_taken_out("token", &token, &text);
    }
    let hex = "3f9a0c7be41d528663f0a9b2c4d5e6f7";
    check_taken_out("token", hex, &format!("auth_token: {hex}"));
}

#[test]
fn r1_values_that_a_sentence_names_are_taken_out() {
    let token = fake("", 32);
    for text in [
        format!("my secret is {token}"),
        format!("the API_KEY was {token}, and I lost it"),
        format!("use the token {token}."),
        format!("here is my secret {token}"),
        format!("the access_token should be {token}!"),
        format!("password {token}"),
    ] {
        check_taken_out("token", &token, &text);
    }
    let chosen = "Tr0ub4dor&3x9Q";
    for text in [
        format!("the password is {chosen}"),
        format!("the password is {chosen}."),
        format!("my passphrase was '{chosen}' then"),
    ] {
        check_taken_out("password", chosen, &text);
    }
}

#[test]
fn r1_passwords_need_not_be_random() {
    for text in [
        "DB_PASSWORD=hunter2",
        "password: \"hunter2\"",
        "password: hunter2\n",
        "{\"password\":\"hunter2\"}",
        "mysql --password=hunter2 -e x",
        "curl -u ada:hunter2 https://x.org",
    ] {
        check_taken_out("password", "hunter2", text);
    }
}

#[test]
fn r1_what_only_looks_alike_is_left_alone() {
    for text in [
        "commit 3f9a0c7be41d528663f0a9b2c4d5e6f7a1b2c3d4",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "task-1234567890abcdefghijklmn and disk-0a1b2c3d4e5f6a7b8c9d0e1f",
        "let token = self.next_token();",
        "token: Utf8TokenStreamIterator,",
        "fn parse(token: &Token<'a>, secret: Option<Base64Secret2>) -> Token2 {",
        "token = parser2.tokens.front_token1.clone2",
        "password: String,",
        "password: Sha256,",
        "let password = read_password2()?;",
        "password = \"\"",
        "password: \"correct horse battery\"",
        "API_KEY=${OPENAI_API_KEY}",
        "API_KEY=$OPENAI_API_KEY",
        "api_key: <your-api-key>",
        "password=********",
        "max_tokens: 4096, tokens_in=123456789012345678",
        "token_type: \"2bearer2token2type2x\"",
        "next_page_token = a1b2c3d4e5f6g7h8i9j0",
        "cargo:rerun-if-changed=src/redact/keywords.rs",
        "the token stream 2 of the secret 3 key 4",
        "the password is required, and the token is optional",
        "the secret is in the keyring; a session token is a JSON value",
        "the session is 3f9a61c2 and the auth is OAuth2",
        "password is String, token is Base64TokenStreamReader",
        "key = \"a1b2c3d4e5f6g7h8i9j0k1l2\"",
        "sk-learn and sk-ant and AKIA and ghp_ and eyJ",
        "tests::r1_the_password_of_a_url_is_taken_out_and_the_rest_stays",
    ] {
        check_left_alone(text);
    }
}

#[test]
fn r1_a_secret_of_the_process_is_taken_out_in_every_spelling() {
    let secret = "Tr0ub4dor&3 \"x\"/+ü";
    let redactor = knowing(secret);
    let percent: String = secret.bytes().map(|b| format!("%{b:02x}")).collect();
    let escaped = serde_json::to_string(secret).unwrap();
    for text in [secret.to_owned(), escaped, format!("a{secret}b")] {
        let redacted = redactor.redact_text(&text).unwrap();
        assert!(!redacted.contains("Tr0ub4dor"), "{redacted}");
        assert!(redacted.contains("⟦secret:own:"), "{redacted}");
    }
    assert_eq!(
        redactor.redact_text(&percent),
        None,
        "only reserved bytes are escaped in use"
    );
    let in_url = "q=Tr0ub4dor%263%20%22x%22%2F%2B%C3%BC&r";
    assert!(
        redactor
            .redact_text(in_url)
            .unwrap()
            .starts_with("q=⟦secret:own:")
    );
    assert!(
        redactor
            .redact_text(&in_url.replace("%2F%2B%C3%BC", "%2f%2b%c3%bc"))
            .is_some()
    );
}

#[test]
fn r1_a_secret_of_the_process_is_found_in_base64_at_every_alignment() {
    let redactor = knowing("swordfish-42");
    // `user:swordfish-42`, with one, two and three letters before the colon.
    for encoded in [
        "YTpzd29yZGZpc2gtNDI=",
        "YWI6c3dvcmRmaXNoLTQy",
        "YWJjOnN3b3JkZmlzaC00Mg==",
    ] {
        let redacted = redactor.redact_text(&format!("Basic {encoded}!")).unwrap();
        assert!(redacted.starts_with("Basic ⟦secret:own:"), "{redacted}");
        assert!(redacted.ends_with("⟧!"), "{redacted}");
    }
}

#[test]
fn r1_a_short_secret_of_the_process_does_not_eat_plain_words() {
    assert_eq!(knowing("ollama").redact_text("ollama is here"), None);
    assert_eq!(
        format!("{:?}", knowing("swordfish-42")),
        "Redactor(1 secrets)"
    );
}

#[test]
fn r1_the_value_under_a_telling_key_is_taken_out_whole() {
    let value = json!({
        "path": "a.txt",
        "password": "plain words",
        "headers": {"Authorization": "Basic abc", "Accept": "text/plain"},
        "env": [{"name": "DB_PASSWORD", "value": "abc"}, {"name": "HOME", "value": "/home/ada"}],
        "argv": ["login", "--password", "abc", "--verbose", "x"],
        "token": "${TOKEN}",
        "secret": "",
        "max_tokens": 7,
    });
    let redacted = redactor().redact_value(&value).unwrap();
    let gone = |pointer: &str| {
        let text = redacted.pointer(pointer).unwrap().as_str().unwrap();
        assert!(marker::is_marker(text), "{pointer}: {text}");
    };
    for pointer in [
        "/password",
        "/headers/Authorization",
        "/env/0/value",
        "/argv/2",
    ] {
        gone(pointer);
    }
    for pointer in [
        "/path",
        "/headers/Accept",
        "/env/1/value",
        "/argv/4",
        "/token",
        "/secret",
    ] {
        assert_eq!(redacted.pointer(pointer), value.pointer(pointer));
    }
    assert_eq!(redactor().redact_value(&redacted), None);
    assert_eq!(redactor().redact_value(&json!({"a": [1, null, "b"]})), None);
}

#[test]
fn r1_a_secret_used_as_a_key_is_taken_out() {
    let secret = fake("ghp_", 36);
    let value = json!({ secret.clone(): 1 });
    let redacted = redactor().redact_value(&value).unwrap().to_string();
    assert!(!redacted.contains(&secret));
}

#[test]
fn r1_a_body_keeps_its_shape_and_its_ids() {
    let args = json!({"cmd": format!("login {}", fake("ghp_", 36)), "password": "x"});
    let args = redactor().redact_value(&args).unwrap();
    let intent = Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"t"),
        turn: 0,
        ordinal: 0,
        author: Author::Model,
        tool: "shell".to_owned(),
        args,
    };
    let id = intent.id().unwrap();
    let body = Body::Intent(Intended {
        intent,
        call: "c1".to_owned(),
        routing: None,
        compensates: None,
        again: None,
    });
    let redacted = redactor().redact_body(body.clone()).unwrap();
    assert_eq!(redacted, body);
    let Body::Intent(read) = redacted else {
        panic!("another kind")
    };
    assert_eq!(read.intent.id().unwrap(), id);
}

#[test]
fn r1_every_string_of_a_body_is_searched() {
    let secret = fake("ghp_", 36);
    let body = Body::Message(Message {
        role: Role::Operator,
        text: format!("use {secret}"),
        reasoning: format!("they said {secret}"),
        provider_state: Some(json!([{"thinking": secret}])),
        turn: 3,
    });
    let redacted = redactor().redact_body(body).unwrap();
    let value = redacted.to_value().unwrap();
    assert!(!value.to_string().contains(&secret));
    assert!(contains_marker(&value));
    let body = Body::Closed(Closed {
        stop: Stop::Model(secret.clone()),
        turns: 1,
    });
    let redacted = redactor().redact_body(body).unwrap();
    assert!(!redacted.to_value().unwrap().to_string().contains(&secret));
}

#[test]
fn r2_equal_secrets_have_equal_markers_and_other_keys_make_others() {
    let (a, b) = (fake("ghp_", 36), fake("ghp_", 37));
    let one = redactor().redact_text(&a).unwrap();
    assert_eq!(one, redactor().redact_text(&a).unwrap());
    assert_ne!(one, redactor().redact_text(&b).unwrap());
    let other_key = Redactor::new(Vec::new(), [8; 32]);
    assert_ne!(one, other_key.redact_text(&a).unwrap());
    assert!(marker::is_marker(&one));
}

#[test]
fn r2_a_forged_marker_hides_nothing() {
    let forged = format!("⟦secret:{}:00000000⟧", fake("ghp_", 36));
    assert!(redactor().redact_text(&forged).is_some());
    assert!(!contains_marker(&json!("⟦secret:other:00000000⟧")));
    assert!(!contains_marker(&json!("⟦secret:jwt:0000000g⟧")));
    assert!(contains_marker(&json!([{"⟦secret:jwt:00000000⟧": 1}])));
    let beside = "https://ada:⟦secret:own:00000000⟧@example.org and password=⟦secret:own:00000000⟧";
    assert_eq!(redactor().redact_text(beside), None);
}

#[test]
fn r1_long_hard_cases_settle() {
    let begin = ["-----BEGIN RSA PRIVATE", " KEY-----"].concat();
    for part in [
        "token=",
        "a",
        "eyJ",
        "eyJaaaaaaaaaa.",
        "AKIA",
        "://a:",
        "://a:b@",
        "sk-",
        "⟦secret:",
        "/",
        "password: \"",
        "Bearer ",
        "authorization: bearer ",
        "curl -u ",
        "\n",
        "key\\\":\\\"",
        &begin,
    ] {
        let text = part.repeat(64 * 1024 / part.len());
        let once = redactor().redact_text(&text);
        let settled = once.as_deref().unwrap_or(&text);
        assert_eq!(redactor().redact_text(settled), None, "{part}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let forms: Vec<String> = known_forms()
        .into_iter()
        .map(|(_, secret)| secret)
        .collect();
    let words = [
        "token=",
        "password: ",
        "\"",
        "'",
        "\\n",
        "://u:",
        "@h",
        "Bearer ",
        " ",
        "\n",
        "key",
        "swordfish-42",
        "c3dvcmRmaXNoLTQy",
        "⟦secret:own:0a1b2c3d⟧",
        "⟦secret:",
        "⟧",
        "--api-key ",
        "hunter2",
        "AKIAQ3EGRKX7PLM2N4WZ",
        "a1B2c3D4e5F6g7H8i9J0",
        "ü",
        ".",
        "=",
        ",",
        "secret",
    ];
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let piece = prop_oneof![
        proptest::sample::select(forms),
        proptest::sample::select(words),
        ".{0,6}",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn r1_redacting_twice_is_redacting_once(text in pieces()) {
        let redactor = knowing("swordfish-42");
        if let Some(once) = redactor.redact_text(&text) {
            prop_assert_ne!(&once, &text);
            prop_assert_eq!(redactor.redact_text(&once), None);
        }
    }

    #[test]
    fn r1_a_value_redacted_twice_is_redacted_once(a in pieces(), b in pieces(), key in pieces()) {
        let redactor = knowing("swordfish-42");
        let value = json!({"password": a, "x": [b, "--token", a], key: {"name": "api_key", "value": b}});
        if let Some(once) = redactor.redact_value(&value) {
            prop_assert_eq!(redactor.redact_value(&once), None);
        }
    }

    #[test]
    fn r1_no_known_form_survives(
        at in 0..known_forms().len(),
        before in "[ -~]{0,20}[ \n\"'(=,]",
        after in "([ \n\"'),;][ -~]{0,20})?",
    ) {
        let (_, secret) = known_forms().swap_remove(at);
        let redacted = redactor().redact_text(&format!("{before}{secret}{after}"));
        prop_assert!(redacted.is_some_and(|text| !text.contains(&secret)));
    }
}
