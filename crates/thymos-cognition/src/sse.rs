//! Splits a byte stream into server-sent events, in linear time and bounded memory.
//!
//! Knows no provider and no JSON, does no IO. Any way of cutting the bytes into chunks gives the
//! same events.

use std::mem;

#[cfg(test)]
mod tests;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event:` field; empty when there was none.
    pub name: String,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
    /// Whether the stream ended before the blank line that closes an event.
    pub unterminated: bool,
}

/// An event grew beyond the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLong {
    /// The cap, in bytes.
    pub bytes_max: usize,
}

/// The splitter. Feed chunks with [`SseDecoder::push`], end with [`SseDecoder::finish`].
#[derive(Debug)]
pub struct SseDecoder {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
    bytes_max: usize,
}

impl SseDecoder {
    /// A decoder for one stream whose events may have `bytes_max` bytes each.
    #[must_use]
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            name: String::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
            bytes_max,
        }
    }

    /// Takes a chunk and appends the events it completes to `events`.
    ///
    /// # Errors
    /// [`EventTooLong`]; the decoder holds no more than the cap and must not be fed again.
    pub fn push(&mut self, chunk: &[u8], events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        let mut rest = chunk;
        // A CR ended the last line; an LF right after it belongs to the same line end, even when
        // the two came in different chunks.
        while !rest.is_empty() {
            if mem::take(&mut self.after_cr) && rest.first() == Some(&b'\n') {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.grow(rest);
            };
            self.grow(&rest[..end])?;
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// Ends the stream. An event without its blank line is still told, marked as unterminated.
    ///
    /// # Errors
    /// [`EventTooLong`] when the last line takes the event beyond the cap.
    pub fn finish(mut self, events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        let told = events.len();
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        self.dispatch(events);
        for event in &mut events[told..] {
            event.unterminated = true;
        }
        Ok(())
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), EventTooLong> {
        if self.line.len() + self.data.len() + bytes.len() > self.bytes_max {
            self.line = Vec::new();
            return Err(EventTooLong {
                bytes_max: self.bytes_max,
            });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), EventTooLong> {
        let line = mem::take(&mut self.line);
        let mut text = line.as_slice();
        if mem::take(&mut self.at_start) {
            text = text.strip_prefix(BOM).unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch(events);
        } else if text.starts_with(b"{") {
            // Not of the standard: some local servers break off a stream with a bare JSON line.
            events.push(SseEvent {
                name: String::new(),
                data: String::from_utf8_lossy(text).into_owned(),
                unterminated: false,
            });
        } else {
            self.field(text)?;
        }
        Ok(())
    }

    fn field(&mut self, text: &[u8]) -> Result<(), EventTooLong> {
        let colon = text.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, &text[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                if self.data.len() + value.len() > self.bytes_max {
                    return Err(EventTooLong {
                        bytes_max: self.bytes_max,
                    });
                }
                self.data.extend_from_slice(value);
            }
            // Comments, `id`, `retry` and fields of the future carry nothing for us.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let name = mem::take(&mut self.name);
        let data = mem::take(&mut self.data);
        if mem::take(&mut self.has_data) {
            events.push(SseEvent {
                name,
                data: String::from_utf8(data)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
                unterminated: false,
            });
        }
    }
}
