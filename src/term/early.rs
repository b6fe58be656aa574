//! Reads the first bytes after the start, while answers of the terminal may be among them.
//!
//! Takes replies out, and decodes what a person typed meanwhile: text, control keys, arrows,
//! paste. Pure: bytes in, items out; never loses the start of a sequence that is not whole.

use super::TermInput;
use super::decode::{PASTE_BYTES_MAX, clean_paste};
use super::probe::Reply;
use crate::keymap::{Key, KeyCode, Mods};

/// A sequence longer than this is no key and no answer of ours; it is dropped.
const SEQUENCE_BYTES_MAX: usize = 4096;

const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An answer of the terminal.
    Reply(Reply),
    /// Something for the app.
    Input(TermInput),
}

/// What has been read and is not whole yet.
#[derive(Debug, Default)]
pub(super) struct Early {
    bytes: Vec<u8>,
}

/// One step over the start of the bytes.
enum Step {
    /// So many bytes were this.
    Took(usize, Option<Item>),
    /// More must come first.
    More,
}

impl Early {
    /// Takes bytes; gives what became whole.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Item> {
        self.bytes.extend_from_slice(bytes);
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match step(rest) {
                Step::Took(taken, item) => {
                    at += taken.max(1);
                    items.extend(item);
                }
                Step::More => break,
            }
        }
        self.bytes.drain(..at.min(self.bytes.len()));
        items
    }

    /// Whether another reader may take over: nothing is half read.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether a paste is under way, which must not be cut: its rest would be typed.
    pub(super) fn in_paste(&self) -> bool {
        self.bytes.starts_with(PASTE_START)
    }

    /// Gives up waiting: what is left is an Esc, or nothing.
    pub(super) fn finish(&mut self) -> Option<Item> {
        let left = std::mem::take(&mut self.bytes);
        (left == b"\x1b").then(|| input(Key::plain(KeyCode::Esc)))
    }
}

fn input(key: Key) -> Item {
    Item::Input(TermInput::Key(key))
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [0x1b, b'[', ..] if bytes.starts_with(PASTE_START) => paste(bytes),
        [0x1b, b'[', rest @ ..] => csi(rest),
        [0x1b, b'O', rest @ ..] => match rest.first() {
            None => Step::More,
            Some(last) => Step::Took(3, letter(*last).map(|code| input(Key::plain(code)))),
        },
        [0x1b, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => string(rest),
        [0x1b] => Step::More,
        [0x1b, 0x1b, ..] => Step::Took(1, Some(input(Key::plain(KeyCode::Esc)))),
        [0x1b, rest @ ..] => match character(rest) {
            Some((taken, key)) => {
                let key = key.map(|key| Key::new(key.code(), key.mods().with(Mods::ALT)));
                Step::Took(1 + taken, key.map(input))
            }
            None => Step::More,
        },
        _ => match character(bytes) {
            Some((taken, key)) => Step::Took(taken, key.map(input)),
            None => Step::More,
        },
    }
}

fn paste(bytes: &[u8]) -> Step {
    let body = bytes.get(PASTE_START.len()..).unwrap_or_default();
    let end = body
        .windows(PASTE_END.len())
        .position(|window| window == PASTE_END);
    let end = match end {
        Some(end) => end,
        None if body.len() > PASTE_BYTES_MAX => return Step::Took(bytes.len(), None),
        None => return Step::More,
    };
    let text = String::from_utf8_lossy(body.get(..end).unwrap_or_default()).into_owned();
    let taken = PASTE_START.len() + end + PASTE_END.len();
    Step::Took(
        taken,
        Some(Item::Input(TermInput::Paste(clean_paste(text)))),
    )
}

/// An OSC, DCS or like string: never typed by a person, so swallowed up to its end.
fn string(rest: &[u8]) -> Step {
    let end = rest.iter().enumerate().find_map(|(at, byte)| match byte {
        0x07 => Some(at + 1),
        0x1b if rest.get(at + 1) == Some(&b'\\') => Some(at + 2),
        _ => None,
    });
    match end {
        Some(end) => Step::Took(2 + end, None),
        None if rest.len() > SEQUENCE_BYTES_MAX => Step::Took(2 + rest.len(), None),
        None => Step::More,
    }
}

fn csi(rest: &[u8]) -> Step {
    let end = rest.iter().position(|byte| !(0x20..0x40).contains(byte));
    let Some(end) = end else {
        let long = rest.len() > SEQUENCE_BYTES_MAX;
        return if long {
            Step::Took(2 + rest.len(), None)
        } else {
            Step::More
        };
    };
    let last = rest.get(end).copied().unwrap_or_default();
    if !(0x40..0x7f).contains(&last) {
        // Broken off by a control byte, which begins something new.
        return Step::Took(2 + end, None);
    }
    let parameters = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default();
    let item = match parameters.strip_prefix('?') {
        Some(private) => Reply::parse(private, last).map(Item::Reply),
        None => csi_key(parameters, last),
    };
    Step::Took(2 + end + 1, item)
}

fn csi_key(parameters: &str, last: u8) -> Option<Item> {
    let mut numbers = parameters
        .split(';')
        .map(|part| part.parse::<u8>().unwrap_or(1));
    let first = numbers.next().unwrap_or(1);
    let mods = mods_of(numbers.next().unwrap_or(1));
    let key = match last {
        b'I' => return Some(Item::Input(TermInput::Focus(true))),
        b'O' => return Some(Item::Input(TermInput::Focus(false))),
        b'Z' => Key::new(KeyCode::Tab, Mods::SHIFT),
        b'~' => Key::new(tilde(first)?, mods),
        other => Key::new(letter(other)?, mods),
    };
    Some(input(key))
}

fn mods_of(number: u8) -> Mods {
    let bits = number.saturating_sub(1);
    let mut mods = Mods::NONE;
    for (bit, held) in [(1, Mods::SHIFT), (2, Mods::ALT), (4, Mods::CTRL)] {
        if bits & bit != 0 {
            mods = mods.with(held);
        }
    }
    mods
}

fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'R' => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

fn tilde(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23 | 24 => KeyCode::F(number - 12),
        _ => return None,
    })
}

/// One character or control byte: its length and the key; `None` when more must come.
fn character(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    let first = *bytes.first()?;
    let control = |ch: u8| Some(Key::ctrl(char::from(ch)));
    let key = match first {
        b'\r' => Some(Key::plain(KeyCode::Enter)),
        b'\t' => Some(Key::plain(KeyCode::Tab)),
        0x7f => Some(Key::plain(KeyCode::Backspace)),
        0x00 => control(b' '),
        0x01..=0x1a => control(first - 1 + b'a'),
        0x1b => Some(Key::plain(KeyCode::Esc)),
        0x1c..=0x1f => control(first - 0x1c + b'\\'),
        0x20..=0x7e => Some(Key::char(char::from(first))),
        _ => return wide(bytes, first),
    };
    Some((1, key))
}

fn wide(bytes: &[u8], first: u8) -> Option<(usize, Option<Key>)> {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((1, None)),
    };
    let have = bytes.get(..length.min(bytes.len()))?;
    match std::str::from_utf8(have) {
        Ok(text) => Some((length, text.chars().next().map(Key::char))),
        Err(error) if error.error_len().is_none() => None,
        Err(_) => Some((1, None)),
    }
}
