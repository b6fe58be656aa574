//! Names that tell of a secret: `api_key`, `DB_PASSWORD`, `authorization`. Looks at no value.

/// What a name is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Chosen by a person, so it need not look random.
    Password,
    /// Made by a machine.
    Token,
}

/// Longest name that is judged. A longer one is text, not a name.
pub(super) const NAME_BYTES_MAX: usize = 96;

/// Words that may follow the telling one: `secret_key_base`, `password_hash`, `token_1`.
const TAILS: &[&str] = &[
    "value", "hash", "base", "base64", "b64", "raw", "text", "plain", "str", "string", "prod",
    "dev", "live", "test", "staging", "main", "default", "old", "new", "current", "header",
];

/// Words before `token` that make it something else.
const HARMLESS_TOKENS: &[&str] = &[
    "page",
    "next",
    "previous",
    "prev",
    "cancel",
    "cancellation",
    "stop",
    "eos",
    "bos",
    "pad",
    "continuation",
    "sep",
    "mask",
    "unk",
];

/// Words before `key` that make it a secret one.
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "private",
    "secret",
    "auth",
    "signing",
    "encryption",
    "master",
    "account",
    "storage",
    "subscription",
    "license",
    "ssh",
    "deploy",
    "webhook",
    "service",
];

const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "pass",
];

const TOKENS: &[&str] = &[
    "secret",
    "token",
    "apikey",
    "authorization",
    "auth",
    "session",
    "credential",
    "credentials",
    "cookie",
    "bearer",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
];

/// Words that end like a telling one and are none.
const HARMLESS: &[&str] = &["possession", "obsession"];

/// Whether a value under this name is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    judge(name).is_some()
}

/// Whether this is a flag whose value follows as the next argument: `--api-key`.
pub(super) fn is_secret_flag(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|name| !name.contains(['=', ' ']) && is_secret_name(name))
}

/// What a name is about; none when it tells of no secret.
pub(super) fn judge(name: &str) -> Option<Named> {
    if name.len() > NAME_BYTES_MAX || !name.is_ascii() {
        return None;
    }
    let words = words(name);
    let mut rest = words.as_slice();
    while let [front @ .., last] = rest
        && (TAILS.contains(&last.as_str()) || last.bytes().all(|b| b.is_ascii_digit()))
    {
        rest = front;
    }
    let (last, before) = match rest {
        [] => return None,
        [front @ .., last] => (last.as_str(), front.last().map(String::as_str)),
    };
    if last == "token" && before.is_some_and(|word| HARMLESS_TOKENS.contains(&word)) {
        return None;
    }
    // `pass` alone is a pass over something, `db_pass` is not.
    if last == "pass" && before.is_none() {
        return None;
    }
    if PASSWORDS.iter().any(|word| ends(last, word)) {
        return Some(Named::Password);
    }
    let secret_key = last == "key" && before.is_some_and(|word| SECRET_KEYS.contains(&word));
    let connection = last == "dsn" || (last == "connection" && words.iter().any(|w| w == "string"));
    (secret_key || connection || TOKENS.iter().any(|word| ends(last, word))).then_some(Named::Token)
}

/// `dbpassword` ends in `password`; short words must stand alone, or `bypass` would be one.
fn ends(last: &str, word: &str) -> bool {
    last == word || (word.len() > 4 && last.ends_with(word) && !HARMLESS.contains(&last))
}

/// `dbPassword-2` as `db`, `password`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = b'_';
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            let starts = !previous.is_ascii_alphanumeric()
                || (byte.is_ascii_uppercase() && previous.is_ascii_lowercase())
                || (byte.is_ascii_digit() != previous.is_ascii_digit());
            match words.last_mut().filter(|_| !starts) {
                Some(word) => word.push(char::from(byte.to_ascii_lowercase())),
                None => words.push(char::from(byte.to_ascii_lowercase()).to_string()),
            }
        }
        previous = byte;
    }
    words
}
