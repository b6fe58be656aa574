//! What a command prints, both streams in order of arrival, in a bounded amount of memory.

use std::collections::VecDeque;

use crate::limits::{OBSERVATION_BYTES_MAX, OUTPUT_BYTES_MAX};
use crate::text::counted;

/// A growing transcript.
pub(crate) struct Transcript {
    head: Vec<u8>,
    /// The newest bytes beyond what `head` takes.
    tail: VecDeque<u8>,
    total: u64,
}

const HALF: usize = OBSERVATION_BYTES_MAX / 2;

impl Transcript {
    pub(crate) const fn new() -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = OUTPUT_BYTES_MAX - self.head.len();
        let (front, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(front);
        let (_, rest) = rest.split_at(rest.len().saturating_sub(HALF));
        let over = (self.tail.len() + rest.len()).saturating_sub(HALF);
        self.tail.drain(..over);
        self.tail.extend(rest);
    }

    /// What the model reads: everything, or the beginning and the end; `kept` says whether the rest is in
    /// the record.
    pub(crate) fn text(&self, kept: bool) -> String {
        if self.total <= OBSERVATION_BYTES_MAX as u64 {
            return String::from_utf8_lossy(&self.head).into_owned();
        }
        let front = self.head.get(..HALF).unwrap_or_default();
        let wanted = HALF.saturating_sub(self.tail.len());
        let from = self.head.len().saturating_sub(wanted).max(HALF);
        let mut back = self.head.get(from..).unwrap_or_default().to_vec();
        back.extend(self.tail.iter());
        let cut = self.total - front.len() as u64 - back.len() as u64;
        let cut = counted(usize::try_from(cut).unwrap_or(usize::MAX), "byte");
        let (front, back) = (
            String::from_utf8_lossy(front),
            String::from_utf8_lossy(&back),
        );
        let lost = match (kept, self.total > OUTPUT_BYTES_MAX as u64) {
            (false, _) => "; it is not in the record".to_owned(),
            (true, true) => format!("; only the first {OUTPUT_BYTES_MAX} bytes are in the record"),
            (true, false) => "; the whole output is in the record".to_owned(),
        };
        format!("{front}\n[{cut} cut here{lost}]\n{back}")
    }

    /// What to keep beside the text, when the text is not all of it.
    pub(crate) fn spill(&self) -> Option<&[u8]> {
        (self.total > OBSERVATION_BYTES_MAX as u64).then_some(self.head.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_transcript_is_whole() {
        let mut transcript = Transcript::new();
        transcript.push(b"a");
        transcript.push(b"b");
        assert_eq!(transcript.text(true), "ab");
        assert_eq!(transcript.spill(), None);
    }

    #[test]
    fn a_flood_keeps_beginning_and_end_and_says_what_is_missing() {
        let mut transcript = Transcript::new();
        transcript.push(b"first ");
        let block = vec![b'x'; 1024 * 1024];
        for _ in 0..20 {
            transcript.push(&block);
        }
        transcript.push(b" last");
        let text = transcript.text(true);
        assert!(text.starts_with("first ") && text.ends_with(" last"));
        assert!(text.contains("bytes cut here; only the first"));
        assert!(text.len() <= OBSERVATION_BYTES_MAX + 200);
        assert_eq!(transcript.spill().map(<[u8]>::len), Some(OUTPUT_BYTES_MAX));
    }

    #[test]
    fn output_just_over_the_bound_is_cut_by_exactly_the_rest() {
        let mut transcript = Transcript::new();
        transcript.push(&vec![b'x'; OBSERVATION_BYTES_MAX + 10]);
        let said = |kept| transcript.text(kept);
        assert!(said(true).contains("[10 bytes cut here; the whole output is in the record]"));
        assert!(said(false).contains("[10 bytes cut here; it is not in the record]"));
    }
}
