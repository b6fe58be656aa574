//! A quick look before the slow ones: whether a text can hold a secret at all. Most cannot.
//!
//! Says "maybe" too often and "no" never wrongly: every detector starts from a literal that is
//! listed here, and a test asks it about everything that the detectors find.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// What a telling name contains, in any case; `key` must follow a letter to count.
const HINTS: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "_pass",
    "secret",
    "token",
    "key",
    "authorization",
    "auth",
    "credential",
    "cookie",
    "session",
    "bearer",
    "dsn",
    "connection",
];

/// What the name of a secret contains when it stands alone, as a key or a flag.
const NAMES: &[&str] = &[
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "credential",
    "cookie",
    "session",
    "bearer",
    "dsn",
    "connection",
];

static HINT: LazyLock<AhoCorasick> = LazyLock::new(|| searcher(HINTS, true));

static NAME: LazyLock<AhoCorasick> = LazyLock::new(|| searcher(NAMES, true));

/// Which detectors a text is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    /// Known forms and the secrets of the process.
    pub(super) forms: bool,
    /// Values beside telling names.
    pub(super) names: bool,
}

/// Looks for the literals of known forms and of the secrets of this process, and for hints.
pub(super) struct Sieve {
    /// Both together, in any case: one look, after which most texts are done with.
    any: AhoCorasick,
    forms: AhoCorasick,
}

impl Sieve {
    pub(super) fn new(literals: &[&str]) -> Self {
        Self {
            any: searcher(&[literals, HINTS].concat(), true),
            forms: searcher(literals, false),
        }
    }

    pub(super) fn look(&self, text: &str) -> Worth {
        let any = self.any.is_match(text);
        Worth {
            forms: any && self.forms.is_match(text),
            names: any && hinted(text),
        }
    }
}

/// Whether something in the text could be a telling name.
pub(super) fn hinted(text: &str) -> bool {
    HINT.find_overlapping_iter(text).any(|found| {
        HINTS.get(found.pattern().as_usize()) != Some(&"key") || is_key(text, found.start())
    })
}

/// `api_key`, `apikey` and `api-key`, and neither `key` nor `key-7`.
fn is_key(text: &str, at: usize) -> bool {
    match text.as_bytes().get(..at).unwrap_or_default() {
        [.., before, b'_' | b'-'] | [.., before] => before.is_ascii_alphabetic(),
        [] => false,
    }
}

/// Whether the name of something could tell of a secret.
pub(super) fn name_is_worth_a_look(name: &str) -> bool {
    NAME.is_match(name)
}

#[expect(
    clippy::expect_used,
    reason = "the words are constants and a few secrets, far below what the searcher can hold"
)]
fn searcher(words: &[&str], any_case: bool) -> AhoCorasick {
    AhoCorasickBuilder::new()
        .match_kind(MatchKind::Standard)
        // Larger than the default and quicker; there are a few of them in a process.
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(any_case)
        .build(words)
        .expect("few and short words")
}
