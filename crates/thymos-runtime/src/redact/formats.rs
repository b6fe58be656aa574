//! Secrets with a known form: provider keys, cloud keys, PEM, JWT, URLs with credentials.
//!
//! One row a form. Every match holds one of the row's literals, so that most texts are told clean by
//! looking for those; no pattern can take more than linear time.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;

use super::marker::Spans;
use super::randomness;

/// A form of secret.
struct Format {
    kind: &'static str,
    /// One of these stands in every match.
    literals: &'static [&'static str],
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

const fn row(
    kind: &'static str,
    edge: Edge,
    literals: &'static [&'static str],
    pattern: &'static str,
) -> Format {
    Format {
        kind,
        literals,
        pattern,
        edge,
    }
}

/// Every form. Where two match the same text, the earlier row names the kind.
const FORMATS: &[Format] = &[
    row(
        "private-key",
        Edge::Any,
        &["PRIVATE KEY"],
        concat!(
            "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
            r#"(?:[A-Za-z0-9+/=\s:,.>|#*"'\\-]{20,}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"#,
            // The end may be cut off: then everything that could be key material goes.
            r"|[A-Za-z0-9+/=\s\\]{40,})",
        ),
    ),
    row(
        "private-key",
        Edge::Group,
        &["Private-Lines"],
        r"Private-Lines: [0-9]{1,4}\s{1,4}([A-Za-z0-9+/=\s]{40,})",
    ),
    row(
        "private-key",
        Edge::Any,
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[A-Z0-9]{40,}",
    ),
    row(
        "private-key",
        Edge::Any,
        &["thymos-operator-key"],
        r"thymos-operator-key-[a-z0-9]{1,16}\s{1,8}[0-9A-Fa-f]{32,}",
    ),
    row(
        "jwt",
        Edge::Any,
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}(?:\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|(?:\.[A-Za-z0-9_-]*){4})",
    ),
    row(
        "anthropic-key",
        Edge::Any,
        &["sk-ant-"],
        r"sk-ant-[A-Za-z0-9_-]{16,}",
    ),
    row(
        "openai-key",
        Edge::Start,
        &["sk-"],
        r"sk-(?:proj|svcacct|admin|None|service|or|lf)-[A-Za-z0-9_-]{20,}",
    ),
    row("openai-key", Edge::Start, &["sk-"], r"sk-[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, &["gsk_"], r"gsk_[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, &["xai-"], r"xai-[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, &["hf_"], r"hf_[A-Za-z0-9]{20,}"),
    row("model-key", Edge::Start, &["fw_"], r"fw_[A-Za-z0-9]{20,}"),
    row(
        "model-key",
        Edge::Start,
        &["tgp_v1_"],
        r"tgp_v1_[A-Za-z0-9_-]{32,}",
    ),
    row(
        "model-key",
        Edge::Start,
        &["pplx-"],
        r"pplx-[A-Za-z0-9]{32,}",
    ),
    row("model-key", Edge::Start, &["r8_"], r"r8_[A-Za-z0-9]{32,}"),
    row("model-key", Edge::Start, &["csk-"], r"csk-[a-z0-9]{32,}"),
    row(
        "model-key",
        Edge::Start,
        &["nvapi-"],
        r"nvapi-[A-Za-z0-9_-]{40,}",
    ),
    row(
        "google-key",
        Edge::Any,
        &["AIza"],
        r"AIza[0-9A-Za-z_-]{35,}",
    ),
    row(
        "google-key",
        Edge::Any,
        &["GOCSPX-"],
        r"GOCSPX-[0-9A-Za-z_-]{20,}",
    ),
    row(
        "google-key",
        Edge::Start,
        &["ya29."],
        r"ya29\.[0-9A-Za-z_-]{20,}",
    ),
    row(
        "github-token",
        Edge::Any,
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{30,}",
    ),
    row(
        "github-token",
        Edge::Any,
        &["github_pat_"],
        r"github_pat_[A-Za-z0-9_]{22,}",
    ),
    row(
        "gitlab-token",
        Edge::Any,
        &[
            "glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glsoat-", "glcbt-", "glagent-",
            "gloas-", "glimt-",
        ],
        r"gl(?:pat|dt|rt|ptt|ft|soat|cbt|agent|oas|imt)-[A-Za-z0-9_-]{20,}",
    ),
    row(
        "slack-token",
        Edge::Any,
        &["xox"],
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}",
    ),
    row(
        "slack-token",
        Edge::Any,
        &["xapp-"],
        r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
    ),
    row(
        "webhook",
        Edge::Group,
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{16,})",
    ),
    row(
        "webhook",
        Edge::Group,
        &["/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/([0-9]{5,}/[A-Za-z0-9_-]{20,})",
    ),
    row(
        "bot-token",
        Edge::Both,
        &[":AA"],
        r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    ),
    row(
        "registry-token",
        Edge::Start,
        &["npm_"],
        r"npm_[A-Za-z0-9]{30,}",
    ),
    row(
        "registry-token",
        Edge::Start,
        &["pypi-"],
        r"pypi-[A-Za-z0-9_-]{32,}",
    ),
    row(
        "registry-token",
        Edge::Start,
        &["dckr_"],
        r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}",
    ),
    row(
        "registry-token",
        Edge::Start,
        &["rubygems_"],
        r"rubygems_[a-f0-9]{40,}",
    ),
    row(
        "registry-token",
        Edge::Both,
        &["cio"],
        r"cio[A-Za-z0-9]{32}",
    ),
    row(
        "aws-key-id",
        Edge::Both,
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    ),
    row(
        "stripe-key",
        Edge::Start,
        &["_live_", "_test_"],
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
    ),
    row(
        "stripe-key",
        Edge::Start,
        &["whsec_"],
        r"whsec_[A-Za-z0-9+/=]{24,}",
    ),
    row(
        "sendgrid-key",
        Edge::Start,
        &["SG."],
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    row("twilio-key", Edge::Both, &["SK"], r"SK[0-9a-f]{32}"),
    row("mail-key", Edge::Both, &["key-"], r"key-[0-9a-f]{32}"),
    row(
        "cloud-token",
        Edge::Start,
        &["doo_v1_", "dop_v1_", "dor_v1_", "dot_v1_"],
        r"do[oprt]_v1_[a-f0-9]{64}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["hvs.", "hvb.", "hvr."],
        r"hv[sbr]\.[A-Za-z0-9_-]{24,}",
    ),
    row(
        "cloud-token",
        Edge::Both,
        &["dapi"],
        r"dapi[0-9a-f]{32}(?:-[0-9])?",
    ),
    row(
        "cloud-token",
        Edge::Group,
        &["AccountKey=", "AccessKey="],
        r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,}={0,2})",
    ),
    row(
        "cloud-token",
        Edge::Group,
        &["sig="],
        r"[?&;]sig=([A-Za-z0-9+/_-]{30,}(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9+/=_-]){0,64})",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["glsa_", "glc_"],
        r"gl(?:sa|c)_[A-Za-z0-9+/_=-]{32,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["shp"],
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["lin_api_"],
        r"lin_api_[A-Za-z0-9]{32,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["ntn_"],
        r"ntn_[A-Za-z0-9]{40,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["ATATT3"],
        r"ATATT3[A-Za-z0-9_=-]{40,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["NRAK-"],
        r"NRAK-[A-Z0-9]{24,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["PMAK-"],
        r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["pscale_"],
        r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["dp.pt.", "dp.st."],
        r"dp\.(?:pt|st)\.[A-Za-z0-9_.-]{40,}",
    ),
    row("cloud-token", Edge::Start, &["sbp_"], r"sbp_[a-f0-9]{40}"),
    row(
        "cloud-token",
        Edge::Start,
        &["nfp_"],
        r"nfp_[A-Za-z0-9]{36,}",
    ),
    row(
        "cloud-token",
        Edge::Start,
        &["sntry"],
        r"sntry[su]_[A-Za-z0-9+/=_-]{40,}",
    ),
    row("cloud-token", Edge::Start, &["pul-"], r"pul-[a-f0-9]{40}"),
    row(
        "cloud-token",
        Edge::Start,
        &["HRKU-"],
        r"HRKU-[A-Za-z0-9_-]{36,}",
    ),
    row(
        "cloud-token",
        Edge::Any,
        &[".atlasv1."],
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}",
    ),
    row(
        "url-password",
        Edge::Group,
        &["://"],
        r#"://[^\s/:@"'<>`]{0,256}:([^\s/"'<>`]{1,512})@[A-Za-z0-9\[$]"#,
    ),
    row(
        "password",
        Edge::Group,
        &["curl", "wget"],
        r#"(?:curl|wget)\b[^\n]{0,512}?\s(?:-u|--user)[ =]?["']?[^\s:"'/]{1,128}:([^\s"']{3,256})"#,
    ),
];

/// The pattern of each form, built when a text first holds a literal of it: all of them take 20 ms, and
/// a word such as `task-list` is worth one.
static COMPILED: [OnceLock<Regex>; FORMATS.len()] = [const { OnceLock::new() }; FORMATS.len()];

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

/// The literals of all forms: a text without any of them holds no known form.
pub(super) fn literals() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().flat_map(|format| format.literals).copied()
}

/// Finds every known form.
pub(super) fn find(text: &str, spans: &mut Spans) {
    let present = |literal: &&str| text.contains(*literal);
    let worth = |format: &Format| format.literals.iter().any(present);
    let rows = FORMATS.iter().zip(&COMPILED);
    for (format, slot) in rows.filter(|(format, _)| worth(format)) {
        let regex = slot.get_or_init(|| constant(format.pattern));
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
