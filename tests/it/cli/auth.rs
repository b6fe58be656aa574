//! `thymos auth`: a key goes to the address that it was given for, and into nothing that anybody reads.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread::JoinHandle;

use serde_json::json;

use super::home::{Ended, Home};

const KEY: &str = "sk-kept-9f3b1c77a0de";
const FILE: &str = "home/.local/share/thymos/provider-keys.json";

/// `thymos auth set` with this on its standard input.
fn set(home: &Home, provider: &str, typed: &[u8]) -> Ended {
    let mut child = home
        .command(&["auth", "set", provider])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses ahead of reading closes the pipe.
    child.stdin.take().unwrap().write_all(typed).ok();
    Ended::of(&child.wait_with_output().unwrap())
}

/// Answers one request with a fault, and gives what was asked.
fn one_request(listener: TcpListener) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = head(&mut stream);
        let body = "{\"error\":{\"message\":\"no such model\"}}";
        let reply = format!(
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes()).unwrap();
        asked
    })
}

fn head(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut bytes = [0; 1024];
    while !seen.windows(4).any(|part| part == b"\r\n\r\n") {
        match stream.read(&mut bytes).unwrap() {
            0 => break,
            read => seen.extend_from_slice(&bytes[..read]),
        }
    }
    String::from_utf8_lossy(&seen).to_lowercase()
}

fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    (listener, url)
}

fn provider(home: &Home, url: &str, more: &str) {
    home.config(&format!(
        "[session]\nmodel = \"mine\"\n[providers.mine]\nkind = \"openai\"\nmodel = \"m\"\nbase_url = \"{url}\"\n{more}\n"
    ));
}

#[test]
fn a_key_goes_to_the_address_that_it_was_given_for_and_to_no_other() {
    for needed in ["key_env = \"MINE_KEY\"", ""] {
        let home = Home::new();
        let (here, url) = listening();
        provider(&home, &url, needed);
        let kept = set(&home, "mine", format!("{KEY}\n").as_bytes());
        assert_eq!(kept.code, 0, "{kept:?}");
        assert!(kept.err.contains(&url), "{kept:?}");
        assert!(!format!("{kept:?}").contains(KEY), "{kept:?}");
        let mode = fs::metadata(home.path(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let asked = one_request(here);
        let ran = home.run(&["run", "go"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(asked.join().unwrap().contains(&format!("bearer {KEY}")));
        // The same name somewhere else.
        let (there, other) = listening();
        provider(&home, &other, needed);
        let listed = &home.json(&["auth", "ls", "--json"])[0];
        assert_eq!(listed["key"], "missing", "{listed}");
        assert!(listed["from"].as_str().unwrap().contains(&url), "{listed}");
        if needed.is_empty() {
            let asked = one_request(there);
            home.run(&["run", "go"]);
            assert!(!asked.join().unwrap().contains(KEY));
        } else {
            home.run(&["run", "go"])
                .says(1, "is not sent to", "thymos auth set mine");
        }
    }
}

#[test]
fn a_key_is_listed_without_itself_replaced_and_taken_away() {
    let home = Home::new();
    assert_eq!(set(&home, "anthropic", KEY.as_bytes()).code, 0);
    let of = |name: &str| {
        let rows = home.json(&["auth", "ls", "--json"]);
        rows.into_iter()
            .find(|row| row["provider"] == name)
            .unwrap()
    };
    assert_eq!(of("anthropic")["from"], "kept");
    assert_eq!(of("openai")["from"], "missing (OPENAI_API_KEY is not set)");
    assert!(!home.run(&["auth", "ls"]).out.contains(KEY));
    // It is a key at hand: the model is chosen by it, as by one of the environment.
    let explained = home.run(&["doctor"]);
    assert!(explained.out.contains("anthropic"), "{explained:?}");
    let again = set(&home, "anthropic", b"sk-another");
    assert!(again.err.contains("is replaced"), "{again:?}");
    assert!(!home.read(FILE).contains(KEY));
    assert_eq!(home.run(&["auth", "rm", "anthropic"]).code, 0);
    assert!(
        of("anthropic")["from"]
            .as_str()
            .unwrap()
            .starts_with("missing")
    );
    home.run(&["auth", "rm", "anthropic"])
        .says(1, "no key is kept for `anthropic`", "auth ls");
}

#[test]
fn what_is_no_key_is_refused_in_a_sentence_and_nothing_is_kept() {
    let home = Home::new();
    let long = vec![b'k'; 9_000];
    for (provider, typed, sentence, hint) in [
        (
            "anthropic",
            &b""[..],
            "no key came in",
            "thymos auth set anthropic",
        ),
        ("anthropic", b"  \n\n", "no key came in", "printf"),
        (
            "anthropic",
            b"a\nb",
            "a line break at character 2",
            "printf",
        ),
        ("anthropic", b"a b", "a blank at character 2", "printf"),
        ("anthropic", b"\xff\xfe", "no plain character", "printf"),
        ("anthropic", &long, "longer than 8192 bytes", "printf"),
        (
            "antropic",
            KEY.as_bytes(),
            "there is no provider `antropic`",
            "did you mean `anthropic`?",
        ),
        ("ollama", KEY.as_bytes(), "needs no key", "--model ollama"),
        (
            "practice",
            KEY.as_bytes(),
            "needs no key",
            "--model practice",
        ),
    ] {
        set(&home, provider, typed).says(1, sentence, hint);
    }
    assert!(!home.path(FILE).exists());
    home.config("[providers.mine]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\nkey_file = \"/k\"\n");
    set(&home, "mine", KEY.as_bytes()).says(1, "is in `/k`", "key_file");
    assert!(!home.path(FILE).exists());
}

#[test]
fn a_file_of_keys_that_others_can_read_is_used_by_nobody() {
    let home = Home::new();
    assert_eq!(set(&home, "anthropic", KEY.as_bytes()).code, 0);
    fs::set_permissions(home.path(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    for words in [
        &["auth", "ls"][..],
        &["auth", "rm", "anthropic"],
        &["--model", "anthropic", "run", "go"],
    ] {
        let no = home.run(words);
        no.says(1, "can be read by others than you", "chmod 600");
    }
    // Where no key is needed, work goes on.
    assert_eq!(home.run(&["--model", "practice", "runs"]).code, 0);
    fs::write(home.path(FILE), "{\"v\": 1, \"keys\": []}").unwrap();
    fs::set_permissions(home.path(FILE), fs::Permissions::from_mode(0o600)).unwrap();
    home.run(&["auth", "ls"]).says(1, "line 1", "");
}

/// `[R1]` A kept key is known to whoever writes the record.
#[test]
fn r1_a_kept_key_is_in_no_record_and_no_export() {
    let home = Home::playing(&[
        json!({"text": format!("I found {KEY} somewhere"), "calls": [
            {"tool": "fs_write", "args": {"path": "note.txt", "content": KEY}}]}),
        json!({"text": "done"}),
    ]);
    assert_eq!(set(&home, "anthropic", KEY.as_bytes()).code, 0);
    assert_eq!(
        home.run(&["--mode", "auto", "run", &format!("use {KEY}")])
            .code,
        0
    );
    assert_eq!(home.read("ws/note.txt"), KEY);
    let told = home.run(&["ledger", "--json"]).out;
    assert!(told.contains("note.txt") && !told.contains(KEY), "{told}");
    let folder = home.path("home/.local/share/thymos");
    let mut looked = 0;
    for file in fs::read_dir(folder).unwrap().map(|row| row.unwrap().path()) {
        if file.is_file() && !file.ends_with("provider-keys.json") {
            let bytes = fs::read(&file).unwrap();
            assert!(
                !bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()),
                "{file:?}"
            );
            looked += 1;
        }
    }
    assert!(looked > 0);
    home.verifies();
}
