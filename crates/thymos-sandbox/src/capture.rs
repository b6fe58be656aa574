//! Keeps the beginning and the end of a stream in a fixed amount of memory.
//!
//! Does no reading; bytes are pushed in.

use std::collections::VecDeque;

use crate::report::{Captured, Cut};

/// A bounded recording of one stream.
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_max: usize,
    tail_max: usize,
    total: u64,
}

impl Capture {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let head_max = bytes_max.div_ceil(2);
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_max,
            tail_max: bytes_max - head_max,
            total: 0,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        let room = self.head_max - self.head.len();
        let (front, rest) = chunk.split_at(room.min(chunk.len()));
        self.head.extend_from_slice(front);
        // Only the last `tail_max` bytes of this chunk can survive it.
        let (_, rest) = rest.split_at(rest.len().saturating_sub(self.tail_max));
        let overflow = (self.tail.len() + rest.len()).saturating_sub(self.tail_max);
        self.tail.drain(..overflow);
        self.tail.extend(rest);
    }

    pub(crate) fn finish(self) -> Captured {
        let at = self.head.len();
        let mut bytes = self.head;
        bytes.extend(self.tail);
        let missing = self.total - bytes.len() as u64;
        let cut = (missing > 0).then_some(Cut { at, bytes: missing });
        Captured {
            bytes,
            total_bytes: self.total,
            cut,
        }
    }
}

#[cfg(test)]
mod tests;
