//! Copying through the terminal (OSC 52), which also works over SSH.
//!
//! Makes bytes only. Whether the terminal obeyed cannot be known, and the user is told so.

use super::env::Multiplexer;

/// Text longer than this is refused; terminals drop or cut it unasked.
pub const COPY_BYTES_MAX: usize = 100 * 1024;

/// Bytes of one piece through GNU screen, whose strings are short.
const SCREEN_PIECE_BYTES: usize = 512;

/// Why text is not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyRefusal {
    /// Longer than [`COPY_BYTES_MAX`].
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

/// The bytes that ask the terminal to keep this text.
///
/// # Errors
/// When the text is too long.
pub fn copy(text: &str, multiplexer: Multiplexer) -> Result<Vec<u8>, CopyRefusal> {
    if text.len() > COPY_BYTES_MAX {
        return Err(CopyRefusal::TooLong { length: text.len() });
    }
    let sequence = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
    Ok(wrap(sequence.as_bytes(), multiplexer))
}

/// Hands a sequence through a multiplexer to the terminal behind it.
#[must_use]
pub fn wrap(sequence: &[u8], multiplexer: Multiplexer) -> Vec<u8> {
    match multiplexer {
        Multiplexer::None => sequence.to_vec(),
        Multiplexer::Tmux => {
            let mut bytes = b"\x1bPtmux;".to_vec();
            for byte in sequence {
                if *byte == 0x1b {
                    bytes.push(0x1b);
                }
                bytes.push(*byte);
            }
            bytes.extend_from_slice(b"\x1b\\");
            bytes
        }
        Multiplexer::Screen => sequence
            .chunks(SCREEN_PIECE_BYTES)
            .flat_map(|piece| [b"\x1bP".as_slice(), piece, b"\x1b\\"].concat())
            .collect(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let at = |place: usize| u32::from(piece.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4usize {
            let index = (bits >> (18 - 6 * place)) & 63;
            let letter = LETTERS.get(index as usize).copied().unwrap_or(b'=');
            text.push(if place <= piece.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}
