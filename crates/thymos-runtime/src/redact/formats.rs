//! Secrets with a known form: provider keys, cloud keys, PEM, JWT, URLs with credentials.
//!
//! One row a form. All patterns start with a literal, so that a search costs little more than
//! looking for that literal; none can take more than linear time.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::marker::Spans;
use super::randomness;

/// A form of secret.
struct Format {
    kind: &'static str,
    pattern: &'static str,
    edge: Edge,
}

/// What may stand beside a match.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// Anything; the form tells by itself.
    Any,
    /// No letter or digit before it: `task-1234` holds no `sk-1234`.
    Start,
    /// None on either side, for forms of a fixed length.
    Both,
    /// The first group is the secret; what surrounds it stays.
    Group,
}

const fn row(kind: &'static str, edge: Edge, pattern: &'static str) -> Format {
    Format {
        kind,
        pattern,
        edge,
    }
}

/// Every form. Where two match the same text, the earlier row names the kind.
const FORMATS: &[Format] = &[
    row(
        "private-key",
        Edge::Any,
        concat!(
            "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
            r#"(?:[A-Za-z0-9+/=\s:,.>|#*"'\\-]{20,}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"#,
            // The end may be cut off: then everything that could be key material goes.
            r"|[A-Za-z0-9+/=\s\\]{40,})",
        ),
    ),
    row(
        "jwt",
        Edge::Any,
        r"eyJ[A-Za-z0-9_-]{8,}(?:\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|(?:\.[A-Za-z0-9_-]*){4})",
    ),
    row("anthropic-key", Edge::Any, r"sk-ant-[A-Za-z0-9_-]{16,}"),
    row(
        "openai-key",
        Edge::Start,
        r"sk-(?:proj|svcacct|admin|None|service|or)-[A-Za-z0-9_-]{20,}",
    ),
    row("openai-key", Edge::Start, r"sk-[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, r"gsk_[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, r"xai-[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, r"hf_[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, r"pplx-[A-Za-z0-9]{32,}"),
    row("model-key", Edge::Start, r"r8_[A-Za-z0-9]{32,}"),
    row("google-key", Edge::Any, r"AIza[0-9A-Za-z_-]{35,}"),
    row("google-key", Edge::Any, r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    row("google-key", Edge::Start, r"ya29\.[0-9A-Za-z_-]{20,}"),
    row("github-token", Edge::Any, r"gh[pousr]_[A-Za-z0-9]{30,}"),
    row("github-token", Edge::Any, r"github_pat_[A-Za-z0-9_]{22,}"),
    row(
        "gitlab-token",
        Edge::Any,
        r"gl(?:pat|dt|rt|ptt|ft|soat|cbt|agent|oas|imt)-[A-Za-z0-9_-]{20,}",
    ),
    row("slack-token", Edge::Any, r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    row("slack-token", Edge::Any, r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    row(
        "webhook",
        Edge::Group,
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{16,})",
    ),
    row(
        "webhook",
        Edge::Group,
        r"discord(?:app)?\.com/api/webhooks/([0-9]{5,}/[A-Za-z0-9_-]{20,})",
    ),
    row("registry-token", Edge::Start, r"npm_[A-Za-z0-9]{30,}"),
    row("registry-token", Edge::Start, r"pypi-[A-Za-z0-9_-]{32,}"),
    row(
        "registry-token",
        Edge::Start,
        r"dckr_pat_[A-Za-z0-9_-]{20,}",
    ),
    row("registry-token", Edge::Both, r"cio[A-Za-z0-9]{32}"),
    row(
        "aws-key-id",
        Edge::Both,
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    ),
    row(
        "stripe-key",
        Edge::Start,
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
    ),
    row("stripe-key", Edge::Start, r"whsec_[A-Za-z0-9+/=]{24,}"),
    row(
        "sendgrid-key",
        Edge::Start,
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    row("twilio-key", Edge::Both, r"SK[0-9a-f]{32}"),
    row("cloud-token", Edge::Start, r"do[oprt]_v1_[a-f0-9]{64}"),
    row("cloud-token", Edge::Start, r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    row(
        "cloud-token",
        Edge::Group,
        r"AccountKey=([A-Za-z0-9+/]{40,}={0,2})",
    ),
    row(
        "url-password",
        Edge::Group,
        r#"://[^\s/:@"'<>`]{0,256}:([^\s/"'<>`]{1,512})@[A-Za-z0-9\[$]"#,
    ),
    row(
        "password",
        Edge::Group,
        r#"(?:curl|wget)\b[^\n]{0,512}?\s(?:-u|--user)[ =]?["']?[^\s:"'/]{1,128}:([^\s"']{3,256})"#,
    ),
];

static COMPILED: LazyLock<Vec<(&'static Format, Regex)>> = LazyLock::new(|| {
    FORMATS
        .iter()
        .map(|format| (format, constant(format.pattern)))
        .collect()
});

/// All forms at once: their first literals are looked for together. Nearly every string holds none.
static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let each: Vec<String> = FORMATS
        .iter()
        .map(|f| format!("(?:{})", f.pattern))
        .collect();
    constant(&each.join("|"))
});

static AWS_SECRET: LazyLock<Regex> = LazyLock::new(|| constant(r"[A-Za-z0-9/+]{40}"));

/// How far from an access key id its secret is looked for.
const AWS_SECRET_DISTANCE: usize = 256;

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and a test compiles each"
)]
pub(super) fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern compiles")
}

/// Finds every known form.
pub(super) fn find(text: &str, spans: &mut Spans) {
    if !ANY.is_match(text) {
        return;
    }
    for (format, regex) in COMPILED.iter() {
        if format.edge == Edge::Group {
            for captures in regex.captures_iter(text) {
                if let Some(group) = captures.get(1)
                    && !randomness::is_reference(group.as_str())
                {
                    spans.push(group.range(), format.kind);
                }
            }
            continue;
        }
        for found in regex.find_iter(text) {
            if !stands_free(text, &found.range(), format.edge) || !plausible(format, found.as_str())
            {
                continue;
            }
            spans.push(found.range(), format.kind);
            if format.kind == "aws-key-id" {
                find_aws_secret(text, &found.range(), spans);
            }
        }
    }
}

/// `sk-` is a short prefix: what follows must hold letters and digits.
fn plausible(format: &Format, found: &str) -> bool {
    !matches!(format.edge, Edge::Start)
        || (found.bytes().skip(3).any(|b| b.is_ascii_digit())
            && found.bytes().skip(3).any(|b| b.is_ascii_alphabetic()))
}

fn stands_free(text: &str, span: &Range<usize>, edge: Edge) -> bool {
    let before = text.get(..span.start).unwrap_or_default().as_bytes();
    let free_before = match before {
        // `\n` written out, as in JSON within text, is no letter of the word.
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_',
        [] => true,
    };
    let after = text.get(span.end..).unwrap_or_default().as_bytes();
    let free_after = !after.first().is_some_and(u8::is_ascii_alphanumeric);
    match edge {
        Edge::Any | Edge::Group => true,
        Edge::Start => free_before,
        Edge::Both => free_before && free_after,
    }
}

/// An access key id is worth little alone; its secret is a bare word of 40 characters nearby.
fn find_aws_secret(text: &str, id: &Range<usize>, spans: &mut Spans) {
    let from = floor(text, id.start.saturating_sub(AWS_SECRET_DISTANCE));
    let to = floor(text, id.end.saturating_add(AWS_SECRET_DISTANCE));
    let window = text.get(from..to).unwrap_or_default();
    for found in AWS_SECRET.find_iter(window) {
        let span = from + found.start()..from + found.end();
        let is_hex = found.as_str().bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex
            && stands_free(text, &span, Edge::Both)
            && randomness::looks_random(found.as_str())
        {
            spans.push(span, "aws-secret");
        }
    }
}

/// The nearest place at or before `at` where the text may be cut.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
