//! Markers: what stands in place of a secret, and how spans of text become markers `[R2]`.
//!
//! Finds no secret. Text inside a marker is never touched again, which makes redaction idempotent.

use std::ops::Range;

use thymos_core::secret::MARKER_OPEN as OPEN;

const CLOSE: char = '⟧';
const DIGEST_CHARS: usize = 8;

/// Every kind a marker may carry. A look-alike of another kind is plain text, so that nobody can
/// hide a value behind one.
pub(super) const KINDS: &[&str] = &[
    "own",
    "anthropic-key",
    "openai-key",
    "model-key",
    "google-key",
    "github-token",
    "gitlab-token",
    "slack-token",
    "webhook",
    "registry-token",
    "aws-key-id",
    "aws-secret",
    "stripe-key",
    "sendgrid-key",
    "twilio-key",
    "cloud-token",
    "bot-token",
    "mail-key",
    "private-key",
    "jwt",
    "url-password",
    "password",
    "token",
    "named",
    "tangled",
];

/// Makes markers. Prints nothing of its key.
pub(super) struct MarkerKey([u8; 32]);

impl MarkerKey {
    pub(super) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The marker of a value.
    pub(super) fn mark(&self, kind: &str, value: &str) -> String {
        let digest = blake3::keyed_hash(&self.0, value.as_bytes()).to_hex();
        let shown: String = digest.chars().take(DIGEST_CHARS).collect();
        format!("{OPEN}{kind}:{shown}{CLOSE}")
    }
}

/// Spans that were found, with their kinds.
#[derive(Default)]
pub(super) struct Spans(Vec<(Range<usize>, &'static str)>);

impl Spans {
    pub(super) fn push(&mut self, span: Range<usize>, kind: &'static str) {
        if !span.is_empty() {
            self.0.push((span, kind));
        }
    }

    /// Takes over spans that were found in another spelling of the text.
    pub(super) fn take_from(
        &mut self,
        other: Self,
        origin: impl Fn(&Range<usize>) -> Range<usize>,
    ) {
        for (span, kind) in other.0 {
            self.push(origin(&span), kind);
        }
    }

    #[cfg(test)]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every span replaced; none when nothing is left to replace. Overlapping spans
    /// become one, of the kind that was found first.
    pub(super) fn replace(mut self, text: &str, key: &MarkerKey) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        // Stable: spans with the same start keep the order in which detectors ran.
        self.0.sort_by_key(|(span, _)| span.start);
        let pieces = outside_markers(merge(self.0), &ranges(text));
        if pieces.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (span, kind) in pieces {
            out.push_str(text.get(from..span.start).unwrap_or_default());
            out.push_str(&key.mark(kind, text.get(span.clone()).unwrap_or_default()));
            from = span.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Some(out)
    }
}

fn merge(sorted: Vec<(Range<usize>, &'static str)>) -> Vec<(Range<usize>, &'static str)> {
    let mut merged: Vec<(Range<usize>, &'static str)> = Vec::with_capacity(sorted.len());
    for (span, kind) in sorted {
        match merged.last_mut() {
            Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
            Some(_) | None => merged.push((span, kind)),
        }
    }
    merged
}

/// Cuts markers out of spans. Both lists are sorted; each is walked once.
fn outside_markers(
    spans: Vec<(Range<usize>, &'static str)>,
    markers: &[Range<usize>],
) -> Vec<(Range<usize>, &'static str)> {
    let mut pieces = Vec::with_capacity(spans.len());
    let mut ahead = markers.iter().peekable();
    for (span, kind) in spans {
        while ahead.next_if(|marker| marker.end <= span.start).is_some() {}
        let mut from = span.start;
        while let Some(marker) = ahead.peek().filter(|marker| marker.start < span.end) {
            if marker.start > from {
                pieces.push((from..marker.start, kind));
            }
            from = marker.end;
            if marker.end > span.end {
                break; // it may reach into the next span as well
            }
            ahead.next();
        }
        if from < span.end {
            pieces.push((from..span.end, kind));
        }
    }
    pieces
}

/// Whether the whole text is one marker.
pub(super) fn is_marker(text: &str) -> bool {
    at(text, 0) == Some(text.len())
}

/// Whether a marker stands in the text.
pub(super) fn contains(text: &str) -> bool {
    text.match_indices(OPEN)
        .any(|(start, _)| at(text, start).is_some())
}

/// Where markers stand, in order.
fn ranges(text: &str) -> Vec<Range<usize>> {
    text.match_indices(OPEN)
        .filter_map(|(start, _)| Some(start..at(text, start)?))
        .collect()
}

/// The end of the marker that starts here.
fn at(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.strip_prefix(OPEN)?;
    let (kind, rest) = rest.split_once(':')?;
    if !KINDS.contains(&kind) {
        return None;
    }
    let digest = rest.get(..DIGEST_CHARS)?;
    let is_hex = digest
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let closed = rest.get(DIGEST_CHARS..)?.starts_with(CLOSE);
    (is_hex && closed)
        .then(|| start + OPEN.len() + kind.len() + 1 + DIGEST_CHARS + CLOSE.len_utf8())
}
