//! Values beside a telling name: `api_key=…`, `"token": "…"`, `Authorization: Bearer …`.
//!
//! Reads by hand, one step after the other, because code is full of names such as `token` whose
//! values are types and calls; a pattern cannot tell those apart.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::formats::{constant, floor};
use super::marker::Spans;
use super::names::{self, NAME_BYTES_MAX, Named};
use super::randomness;

/// What a telling name contains. Only a reason to look closer.
static HINT: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i-u:passw|passphrase|passcode|pwd|_pass\b|secret|token|[a-z]_?-?key|auth|credential|cookie|session|bearer|dsn|connection)",
    )
});

/// How much of a value is judged. A longer one is judged by its start and taken out to its end.
const VALUE_BYTES_MAX: usize = 256;

/// Fewest characters of a password.
const PASSWORD_BYTES_MIN: usize = 6;

/// Words between a name and its value in a sentence.
const VERBS: &[&str] = &["is", "was", "are", "will be", "should be"];

/// Words between `Authorization:` and the credential.
const SCHEMES: &[&str] = &["bearer", "basic", "token", "bot", "apikey", "digest"];

/// Finds values beside telling names.
pub(super) fn find(text: &str, spans: &mut Spans) {
    let mut done = 0;
    for hint in HINT.find_iter(text) {
        if hint.start() < done {
            continue;
        }
        let name = widen(text, &hint.range());
        done = name.end;
        let Some(named) = text.get(name.clone()).and_then(judge) else {
            continue;
        };
        if let Some(value) = value_after(text, &name)
            && let Some((span, kind)) = verdict(text, named, &value)
        {
            done = span.end;
            spans.push(span, kind);
        }
    }
}

fn judge(name: &str) -> Option<Named> {
    names::judge(name.rsplit('.').next().unwrap_or(name))
}

/// A value as it stands in the text.
struct Found {
    span: Range<usize>,
    quoted: bool,
    /// `NAME=value` without a space, as in an environment file or a query.
    tight: bool,
    /// It follows an authorization scheme.
    scheme: bool,
    /// It stands in a sentence: `my password is …`, or only behind the name: `my token q8Zt…`.
    prose: Option<Prose>,
}

/// How a sentence gives a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prose {
    /// By a verb.
    Said,
    /// By nothing: only its looks tell.
    Beside,
}

/// The whole name around a hint, at most [`NAME_BYTES_MAX`] to either side.
fn widen(text: &str, hint: &Range<usize>) -> Range<usize> {
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-' | b'.');
    let before = text.as_bytes().get(..hint.start).unwrap_or_default();
    let after = text.as_bytes().get(hint.end..).unwrap_or_default();
    let left = before
        .iter()
        .rev()
        .take(NAME_BYTES_MAX)
        .take_while(is_name)
        .count();
    let right = after
        .iter()
        .take(NAME_BYTES_MAX)
        .take_while(is_name)
        .count();
    hint.start - left..hint.end + right
}

/// The value that belongs to a name, if something is assigned to it here.
fn value_after(text: &str, name: &Range<usize>) -> Option<Found> {
    let word = text.get(name.clone())?;
    let mut at = name.end;
    let closing = skip(text, &mut at, 4, |b| {
        matches!(b, b'"' | b'\'' | b'`' | b']' | b'\\')
    });
    let gap = skip(text, &mut at, 16, |b| matches!(b, b' ' | b'\t'));
    let rest = text.get(at..)?;
    let separator = ["==", "!=", "::", ":=", "=>", "=", ":"]
        .into_iter()
        .find(|separator| rest.starts_with(separator));
    let is_flag = word.starts_with("--") && closing == 0;
    let is_bearer = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("token");
    match separator {
        Some("==" | "!=" | "::") => return None,
        Some(separator) => at += separator.len(),
        None if gap > 0 && (is_flag || is_bearer) => {}
        None if gap > 0 => return in_a_sentence(text, at),
        None => return None,
    }
    let space = skip(text, &mut at, 16, |b| matches!(b, b' ' | b'\t'));
    let mut found = delimited(text, at)?;
    found.tight = separator == Some("=") && gap == 0 && space == 0;
    let scheme = separator.is_none() && is_bearer;
    found.scheme = skip_scheme(text, &mut found.span) || scheme;
    if scheme && !found.quoted && word.eq_ignore_ascii_case("token") {
        // `token stream` is no credential; `token q8Zt…` is one.
        return in_a_sentence(text, at);
    }
    Some(found)
}

/// The value of `my password is …` and `the key … works`: a word that says nothing, and what follows.
fn in_a_sentence(text: &str, from: usize) -> Option<Found> {
    let rest = text.get(from..)?;
    let verb = VERBS.iter().find(|verb| {
        let after = rest.get(verb.len()..).unwrap_or_default();
        rest.starts_with(**verb) && after.starts_with([' ', '\t'])
    });
    let mut at = from + verb.map_or(0, |verb| verb.len());
    skip(text, &mut at, 16, |b| matches!(b, b' ' | b'\t'));
    let mut found = delimited(text, at)?;
    if !found.quoted {
        // A word, without what ends the sentence or a part of it.
        let word = text
            .get(at..)?
            .split([' ', '\t', '\n', '\r', '"', '\'', '`'])
            .next()?;
        let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        found.span = at..floor(text, at + word.len().min(VALUE_BYTES_MAX));
    }
    found.prose = Some(match verb {
        Some(_) => Prose::Said,
        None => Prose::Beside,
    });
    Some(found)
}

/// Skips at most `limit` bytes, and says how many.
fn skip(text: &str, at: &mut usize, limit: usize, accept: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(*at..).unwrap_or_default();
    let count = rest.iter().take(limit).take_while(|b| accept(**b)).count();
    *at += count;
    count
}

/// The value from here to its closing quote, or to whatever cannot be part of a bare value.
fn delimited(text: &str, at: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    let opening = ["\\\"", "\\'", "\"", "'", "`"]
        .into_iter()
        .find(|quote| rest.starts_with(quote));
    let start = at + opening.map_or(0, str::len);
    let body = text.as_bytes().get(start..)?;
    let is_end = |b: &u8| match opening {
        Some(quote) => *b == b'\n' || *b == b'\r' || quote.as_bytes().last() == Some(b),
        None => {
            !b.is_ascii_graphic()
                || matches!(
                    b,
                    b'"' | b'\'' | b'`' | b',' | b';' | b'<' | b'>' | b'&' | b')' | b']'
                )
        }
    };
    let end = body.iter().take(VALUE_BYTES_MAX).position(is_end);
    let mut length = end.unwrap_or(body.len().min(VALUE_BYTES_MAX));
    if end.is_some() && opening.is_some_and(|quote| quote.starts_with('\\')) {
        length = length.saturating_sub(1); // the backslash of the closing quote
    }
    let span = start..floor(text, start + length);
    Some(Found {
        span,
        quoted: opening.is_some(),
        tight: false,
        scheme: false,
        prose: None,
    })
}

/// Moves past `Bearer ` and its like, and says whether one stood there.
fn skip_scheme(text: &str, span: &mut Range<usize>) -> bool {
    let value = text.get(span.clone()).unwrap_or_default();
    let scheme = value.split([' ', '\t']).next().unwrap_or_default();
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return false;
    }
    let mut at = span.start + scheme.len();
    if skip(text, &mut at, 16, |b| matches!(b, b' ' | b'\t')) == 0 {
        return false;
    }
    if at >= span.end {
        // A bare value ended at the space after the scheme; the credential follows.
        match delimited(text, at) {
            Some(found) => *span = found.span,
            None => return false,
        }
    } else {
        span.start = at;
    }
    true
}

/// Whether the value is a secret, and of which kind.
fn verdict(text: &str, named: Named, found: &Found) -> Option<(Range<usize>, &'static str)> {
    let value = text.get(found.span.clone())?;
    if value.is_empty() || randomness::is_reference(value) || is_code(text, found, value) {
        return None;
    }
    if found.prose == Some(Prose::Beside) {
        let random = !found.quoted && randomness::looks_random(value);
        return random.then(|| (whole(text, &found.span), "token"));
    }
    let (secret, kind) = match named {
        Named::Password => (looks_chosen(text, found, value), "password"),
        Named::Token => (looks_made(found, value), "token"),
    };
    secret.then(|| (whole(text, &found.span), kind))
}

/// The rest of a value that was judged by its start.
fn whole(text: &str, span: &Range<usize>) -> Range<usize> {
    if span.len() < VALUE_BYTES_MAX {
        return span.clone();
    }
    let rest = text.as_bytes().get(span.end..).unwrap_or_default();
    let more = rest
        .iter()
        .take_while(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'&' | b'<'))
        .count();
    span.start..span.end + more
}

fn looks_made(found: &Found, value: &str) -> bool {
    let after_scheme = found.scheme
        && value.len() >= 12
        && !value.contains(' ')
        && value.bytes().any(|b| b.is_ascii_digit());
    after_scheme || randomness::looks_random(value)
}

/// A password need not be random, so everything that is plainly something else is ruled out.
fn looks_chosen(text: &str, found: &Found, value: &str) -> bool {
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    let symbol =
        |b: &u8| b.is_ascii_punctuation() && !matches!(b, b'_' | b'-' | b'.' | b'/' | b':');
    let mixed = has(u8::is_ascii_alphabetic) && (has(u8::is_ascii_digit) || has(symbol));
    if value.len() < PASSWORD_BYTES_MIN || !mixed || value.contains([' ', '\t', '(']) {
        return false;
    }
    if found.quoted || found.tight {
        return true;
    }
    // A bare word after `: ` or ` = `: in YAML it ends the line, in code punctuation follows.
    let is_type = value.starts_with(|c: char| c.is_ascii_uppercase()) && !has(symbol);
    let ends_line = text
        .get(found.span.end..)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['\n', '\r', ' ', '\t']));
    let ends = ends_line || found.prose.is_some();
    ends && !is_type && value.bytes().any(|b| b.is_ascii_digit())
}

/// A bare value that reads as code: a call, a path through fields or modules, an index.
fn is_code(text: &str, found: &Found, value: &str) -> bool {
    if found.quoted || found.scheme {
        return false;
    }
    let opens = text
        .get(found.span.end..)
        .is_some_and(|rest| rest.starts_with(['<', '(']));
    let called = value.contains(['(', '[', '{']) || value.contains("::") || value.contains("->");
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let dotted = value.contains('.') && value.split('.').all(is_word);
    let referred = value.starts_with(['&', '*', '@', '%']) && !found.tight;
    opens || (called && !found.tight) || (dotted && !found.tight) || referred
}
