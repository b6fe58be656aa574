//! A corpus of fake secrets in every form that redaction claims to find, and of harmless text that it
//! must leave alone. Every secret is put together from parts, so that nobody takes one for a live one.

use std::fmt::Write as _;

/// A secret that the process is said to hold.
pub const HELD: &str = "correct-horse\"battery/staple+9";

/// Letters and digits in no order; not one secret stands in it.
const NOISE: &str = "q7Zt2Lw9Xc4Vb8Nm1Kp6Rj3Hd5Gf0SyUaEoTiWzBxCvMnLk";

/// A fake secret in some surroundings.
#[derive(Debug, Clone)]
pub struct Fake {
    /// What it is, for messages.
    pub what: String,
    /// The text in which it stands.
    pub text: String,
    /// What must not be left of it.
    pub bare: String,
}

fn fake(what: &str, text: impl Into<String>, bare: impl Into<String>) -> Fake {
    let (text, bare) = (text.into(), bare.into());
    assert!(text.contains(&bare), "{what}: the text holds the secret");
    Fake {
        what: what.to_owned(),
        text,
        bare,
    }
}

/// So many characters of noise, starting somewhere.
fn noise(from: usize, length: usize) -> String {
    NOISE.chars().cycle().skip(from).take(length).collect()
}

fn hex(from: u8, length: usize) -> String {
    let mut state = from;
    let digit = |_| {
        state = state.wrapping_mul(37).wrapping_add(11);
        char::from_digit(u32::from(state >> 4), 16).unwrap_or('0')
    };
    (0..length).map(digit).collect()
}

fn upper(length: usize) -> String {
    noise(3, length * 2)
        .to_uppercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(length)
        .collect()
}

/// Where fakes are put together.
#[derive(Default)]
struct Shelf(Vec<Fake>);

impl Shelf {
    fn add(&mut self, what: &str, before: &str, secret: &str, after: &str) {
        self.0
            .push(fake(what, format!("{before}{secret}{after}"), secret));
    }
}

/// Keys, tokens and the like that tell by their form alone.
#[must_use]
pub fn known_forms() -> Vec<Fake> {
    let mut shelf = Shelf::default();
    model_keys(&mut shelf);
    code_keys(&mut shelf);
    service_keys(&mut shelf);
    cloud_keys(&mut shelf);
    shelf.0
}

fn model_keys(shelf: &mut Shelf) {
    let mut add = |what: &str, parts: &[&str]| shelf.add(what, "", &parts.concat(), "");
    add("anthropic", &["sk-", "ant-", "api03-", &noise(0, 93), "AA"]);
    add("openai", &["sk", "-", &noise(1, 48)]);
    add("openai project", &["sk-", "proj-", &noise(2, 74)]);
    add("openai service", &["sk-", "svcacct-", &noise(2, 74)]);
    add("openrouter", &["sk-", "or-v1-", &hex(1, 64)]);
    add("groq", &["gsk", "_", &noise(3, 52)]);
    add("xai", &["xai", "-", &noise(4, 80)]);
    add("hugging face", &["hf", "_", &noise(5, 34)]);
    add("perplexity", &["pplx", "-", &noise(6, 48)]);
    add("replicate", &["r8", "_", &noise(7, 37)]);
    add("nvidia", &["nvapi", "-", &noise(7, 64)]);
    add("google api", &["AI", "za", &noise(8, 35)]);
    add("google oauth secret", &["GOC", "SPX-", &noise(9, 28)]);
    add("google access", &["ya", "29.", &noise(10, 60)]);
}

fn code_keys(shelf: &mut Shelf) {
    let mut add = |what: &str, parts: &[&str]| shelf.add(what, "", &parts.concat(), "");
    add("github classic", &["gh", "p_", &noise(0, 36)]);
    add("github app", &["gh", "s_", &noise(1, 36)]);
    add("github oauth", &["gh", "o_", &noise(2, 36)]);
    add("github user", &["gh", "u_", &noise(3, 36)]);
    add("github refresh", &["gh", "r_", &noise(4, 70)]);
    add(
        "github fine-grained",
        &["github", "_pat_", &noise(5, 22), "_", &noise(6, 59)],
    );
    add("gitlab", &["gl", "pat-", &noise(6, 20)]);
    add("gitlab runner", &["gl", "rt-", &noise(6, 20)]);
    add("slack bot", &["xo", "xb-", "123456789012-", &noise(7, 24)]);
    add("slack user", &["xo", "xp-", "123456789012-", &noise(8, 32)]);
    add("slack app", &["xa", "pp-1-A0", &noise(9, 20)]);
}

fn service_keys(shelf: &mut Shelf) {
    let mut add = |what: &str, parts: &[&str]| shelf.add(what, "", &parts.concat(), "");
    add("stripe live", &["sk", "_live_", &noise(0, 24)]);
    add("stripe restricted", &["rk", "_live_", &noise(1, 24)]);
    add("stripe test", &["sk", "_test_", &noise(2, 24)]);
    add("stripe webhook", &["wh", "sec_", &noise(3, 32)]);
    add("twilio", &["S", "K", &hex(3, 32)]);
    add("sendgrid", &["S", "G.", &noise(4, 22), ".", &noise(5, 43)]);
    add("mailgun", &["key", "-", &hex(4, 32)]);
    add("npm", &["npm", "_", &noise(6, 36)]);
    add("pypi", &["py", "pi-", &noise(7, 100)]);
    add("docker hub", &["dckr", "_pat_", &noise(8, 27)]);
    add("rubygems", &["ruby", "gems_", &hex(5, 48)]);
    add("crates", &["c", "io", &noise(9, 32)]);
    add("aws key id", &["AK", "IA", &upper(16)]);
    add("aws session key id", &["AS", "IA", &upper(16)]);
}

fn cloud_keys(shelf: &mut Shelf) {
    let mut add = |what: &str, parts: &[&str]| shelf.add(what, "", &parts.concat(), "");
    add("digital ocean", &["do", "p_v1_", &hex(6, 64)]);
    add("databricks", &["da", "pi", &hex(7, 32)]);
    add("vault", &["hv", "s.", &noise(10, 90)]);
    add("telegram", &["1234567890", ":AA", &noise(11, 33)]);
    add("grafana", &["gl", "sa_", &noise(12, 32), "_0a1b2c3d"]);
    add("shopify", &["sh", "pat_", &hex(8, 32)]);
    add("linear", &["lin", "_api_", &noise(13, 40)]);
    add("notion", &["nt", "n_", &noise(14, 46)]);
    add("atlassian", &["ATA", "TT3", &noise(15, 180)]);
    add("new relic", &["NR", "AK-", &upper(27)]);
    add("postman", &["PM", "AK-", &hex(9, 24), "-", &hex(10, 34)]);
    add("planetscale", &["pscale", "_tkn_", &noise(16, 43)]);
    add("doppler", &["dp", ".pt.", &noise(17, 43)]);
    add("supabase", &["sb", "p_", &hex(11, 40)]);
    add("sentry", &["sntr", "ys_", &noise(18, 60)]);
    add("pulumi", &["pu", "l-", &hex(12, 40)]);
    add(
        "terraform",
        &[&noise(19, 14), ".atlas", "v1.", &noise(20, 60)],
    );
    add(
        "json web token",
        &[
            "ey",
            "J",
            &noise(0, 20),
            ".ey",
            "J",
            &noise(1, 60),
            ".",
            &noise(2, 43),
        ],
    );
    add("age", &["AGE-", "SECRET-", "KEY-1", &upper(58)]);
    let approvers = ["thymos-operator-", "key-ed25519 ", &hex(77, 64)];
    add("an approver's key", &approvers);
}

/// Private keys under every heading in use.
#[must_use]
pub fn private_keys() -> Vec<Fake> {
    let headings = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "SSH2 ENCRYPTED PRIVATE KEY",
    ];
    let dashes = "-".repeat(5);
    let line = noise(5, 64);
    let mut all: Vec<Fake> = headings
        .iter()
        .map(|heading| {
            let text = format!(
                "{dashes}BEGIN {heading}{dashes}\n{line}\n{line}\n{dashes}END {heading}{dashes}\n"
            );
            fake(heading, text, line.clone())
        })
        .collect();
    let account = format!(
        "{{\"type\": \"service_account\", \"private_key_id\": \"{}\", \"private_key\": \
         \"{dashes}BEGIN PRIVATE KEY{dashes}\\n{line}\\n{line}\\n{dashes}END PRIVATE KEY{dashes}\\n\"}}",
        hex(13, 40)
    );
    all.push(fake("cloud service account", account, line.clone()));
    let putty = format!("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{line}\n");
    all.push(fake("putty", putty, line));
    all
}

/// Secrets that tell by what stands beside them.
#[must_use]
pub fn in_context() -> Vec<Fake> {
    let mut shelf = Shelf::default();
    cloud_accounts(&mut shelf);
    beside_names(&mut shelf);
    shelf.0
}

fn cloud_accounts(shelf: &mut Shelf) {
    let mut add = |what: &str, before: &str, secret: &str, after: &str| {
        shelf.add(what, before, secret, after);
    };
    let aws = noise(21, 40);
    let id = ["AK", "IA", &upper(16)].concat();
    add("aws secret", &format!("{id}\n"), &aws, "\n");
    add(
        "aws credentials file",
        "aws_secret_access_key = ",
        &aws,
        "\n",
    );
    add(
        "azure storage",
        "AccountName=x;AccountKey=",
        &format!("{}==", noise(22, 86)),
        ";E=y",
    );
    add(
        "azure bus",
        "SharedAccessKeyName=r;SharedAccessKey=",
        &format!("{}=", noise(23, 43)),
        "",
    );
    add(
        "azure sas",
        "https://x.example/y?sv=2024&sig=",
        &noise(24, 43),
        "%3D&se=2030",
    );
}

fn beside_names(shelf: &mut Shelf) {
    let token = noise(9, 32);
    let mut add = |what: &str, before: &str, secret: &str, after: &str| {
        shelf.add(what, before, secret, after);
    };
    add("url", "postgres://ada:", "hunter2pw", "@db.example:5432/x");
    add(
        "url with user alone",
        "https://ada:",
        &token,
        "@git.example/x.git",
    );
    add("bearer", "Authorization: Bearer ", &token, "\r\n");
    add(
        "basic",
        "Authorization: Basic ",
        "YWRhOmh1bnRlcjJwdw==",
        "\r\n",
    );
    add("token header", "-H 'Authorization: token ", &token, "'");
    add("key header", "X-Api-Key: ", &token, "\n");
    add(
        "cookie header",
        "Cookie: session=",
        &token,
        "; theme=dark\n",
    );
    add("environment", "export STRIPE_API_KEY=", &token, "\n");
    add("password", "DB_PASSWORD=", "hunter2pw", "\n");
    add("yaml", "  client_secret: \"", &token, "\"\n");
    add("json", "{\"access_token\": \"", &token, "\", \"n\": 1}");
    add(
        "json in json",
        "{\\\"refresh_token\\\":\\\"",
        &token,
        "\\\"}",
    );
    add("flag", "login --api-key ", &token, " --verbose");
    add("curl", "curl -u ada:", "hunter2pw", " https://x.example");
    add(
        "query",
        "https://x.example/?a=1&access_token=",
        &token,
        "&b=2",
    );
    let hook = format!("T0A1B2C3D/B0A1B2C3D/{}", noise(2, 24));
    add(
        "slack webhook",
        "https://hooks.slack.com/services/",
        &hook,
        "",
    );
}

/// What [`HELD`] may be spelled as, and known forms in disguise.
#[must_use]
pub fn disguised() -> Vec<Fake> {
    let escaped = HELD.replace('"', "\\\"");
    let mut percent = String::new();
    let mut hexed = String::new();
    for byte in HELD.bytes() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-';
        // Writing to a string cannot fail.
        let _ok = if plain {
            write!(percent, "{}", char::from(byte))
        } else {
            write!(percent, "%{byte:02X}")
        };
        let _ok = write!(hexed, "{byte:02x}");
    }
    let github = ["gh", "p_", &noise(0, 36)].concat();
    let unicode: String = github
        .chars()
        .map(|c| format!("\\u{:04x}", u32::from(c)))
        .collect();
    let some_unicode = github.replacen('_', "\\u005f", 1);
    let percent_github: String = github.bytes().map(|b| format!("%{b:02x}")).collect();
    let spread: String = github.chars().flat_map(|c| [c, '\u{200b}']).collect();
    let encoded = base64(format!("ada:{HELD}").as_bytes());
    let shifted = base64(format!("x{HELD}").as_bytes());
    let mut all = Vec::new();
    let mut add = |what: &str, before: &str, secret: &str, after: &str| {
        all.push(fake(what, format!("{before}{secret}{after}"), secret));
    };
    add("held", "it is ", HELD, "");
    add("held, escaped", "{\"a\": \"", &escaped, "\"}");
    add("held, in a url", "https://x.example/?p=", &percent, "&q=1");
    add("held, in hex", "0x", &hexed, " ");
    add("held, in base64", "Basic ", &encoded, "");
    add("held, in base64 off by one", "", &shifted, "");
    add("in json escapes", "\"", &unicode, "\"");
    add("one json escape", "\"", &some_unicode, "\"");
    add("in percent escapes", "q=", &percent_github, "&r");
    add("with zero-width characters", "a ", &spread, " b");
    add(
        "between look-alikes",
        "аbс\u{430}\u{200d}",
        &github,
        "\u{200b}\u{443}ο",
    );
    add(
        "after a right-to-left mark",
        "\u{202e}",
        &github,
        "\u{202c}",
    );
    all
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS
                .get((bits >> (18 - 6 * place) & 63) as usize)
                .copied();
            let shown = if place <= group.len() {
                letter
            } else {
                Some(b'=')
            };
            out.push(char::from(shown.unwrap_or(b'=')));
        }
    }
    out
}

/// All of them.
#[must_use]
pub fn corpus() -> Vec<Fake> {
    [known_forms(), private_keys(), in_context(), disguised()].concat()
}

/// Names under which a value is a secret whatever it looks like.
pub const TELLING_NAMES: &[&str] = &[
    "password",
    "Passwd",
    "SECRET",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "Authorization",
    "auth",
    "bearer",
    "credential",
    "credentials",
    "private_key",
    "client_secret",
    "clientSecret",
    "access_key",
    "session",
    "cookie",
    "Set-Cookie",
    "DB_PASSWORD",
];

/// Ordinary content that must come through unchanged.
#[must_use]
pub fn harmless() -> Vec<String> {
    let sha = hex(21, 40);
    let digest = hex(22, 64);
    let image = base64(&(0..=255_u8).cycle().take(900).collect::<Vec<u8>>());
    vec![
        format!("commit {sha}\nAuthor: ada <ada@example.org>\n"),
        format!("checksum = \"{digest}\"\nname = \"serde\"\nversion = \"1.0.219\"\n"),
        format!("\"integrity\": \"sha512-{}==\"", base64(&[7; 63])),
        "550e8400-e29b-41d4-a716-446655440000 and 0190163d-8694-739b-aea5-966c26f8ad91".to_owned(),
        format!("blake3:{digest} writ {digest} trajectory {}", hex(23, 64)),
        format!("data:image/png;base64,{image}"),
        "fn token(&self) -> Token { self.tokens.next_token().unwrap_or(Token::End) }".to_owned(),
        "let password: String = prompt_password(\"Password: \")?;".to_owned(),
        "if api_key.is_empty() { return Err(Missing(\"API_KEY\")); }".to_owned(),
        "session: Session, auth: &Auth, cookie: Option<Cookie>, session = Session::new(config)"
            .to_owned(),
        "the session key of the author is derived; sessions end, authority does not".to_owned(),
        "index 3f9a0c7..be41d52 100644\n--- a/src/auth.rs\n+++ b/src/auth.rs\n@@ -1,2 +1,2 @@\n"
            .to_owned(),
        "test auth::tests::w5_a_session_key_signs_the_batch ... ok".to_owned(),
        "2026-11-22T23:43:39.123456789Z INFO request took 12.5ms status=200 bytes=10485760"
            .to_owned(),
        "https://crates.io/crates/serde and http://localhost:8080/@me and git@github.com:a/b.git"
            .to_owned(),
        "C:\\Users\\ada\\notes.txt \\u00fc 100%25 50%".to_owned(),
        "MIT License\n\nPermission is hereby granted, free of charge, to any person".to_owned(),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdEF ada"
            .to_owned(),
    ]
}
