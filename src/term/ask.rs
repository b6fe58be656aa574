//! Asks for one line, shown or not: the terminal is as it was before anything else happens.

use std::io::{self, BufRead, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use thymos_core::secret::Secret;

use crate::error::{AppError, ErrorKind};

/// Ctrl-C, as the terminal hands it over where it sends no signal for it.
const INTERRUPT: u8 = 0x03;

/// Bytes of the line at most.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Echo off until it is dropped.
struct Quiet(Termios);

impl Quiet {
    /// Takes the echo away. Ctrl-C ends the line and sends no signal: one would end the program, and leave the
    /// terminal without an echo.
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.local_modes.insert(LocalModes::ICANON);
        quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).ok();
        drop(writeln!(io::stderr().lock()));
    }
}

/// Asks for a secret on standard error, reads it from the terminal, and shows nothing of it.
///
/// # Errors
/// [`AppError`] for Ctrl-C, and where the terminal cannot be kept from showing it.
pub fn hidden(prompt: &str) -> Result<Secret<String>, AppError> {
    let quiet = Quiet::begin().map_err(unread)?;
    let line = read(prompt);
    drop(quiet);
    let line = line.map_err(unread)?;
    if line.last() == Some(&INTERRUPT) {
        let message = "interrupted; nothing was kept";
        return Err(AppError::new(ErrorKind::Interrupted, message));
    }
    Ok(Secret::new(String::from_utf8_lossy(&line).into_owned()))
}

/// Asks for a line on standard error; none at the end of input.
///
/// # Errors
/// [`AppError`] where nothing can be read.
pub fn line(prompt: &str) -> Result<Option<String>, AppError> {
    let line = read(prompt).map_err(unread)?;
    let text = String::from_utf8_lossy(&line).trim().to_owned();
    Ok((!line.is_empty()).then_some(text))
}

fn unread(error: io::Error) -> AppError {
    let message = format!("nothing could be read: {error}");
    AppError::new(ErrorKind::User, message).hint("pipe it in instead")
}

/// One line with what ended it: a line end, or Ctrl-C where that is no signal. Nothing at the end of input.
fn read(prompt: &str) -> io::Result<Vec<u8>> {
    write!(io::stderr().lock(), "{prompt}")?;
    let mut line = Vec::new();
    let mut from = io::stdin().lock().take(LINE_BYTES_MAX);
    loop {
        match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok([]) => return Ok(line),
            Ok(bytes) => {
                let end = bytes
                    .iter()
                    .position(|byte| matches!(*byte, b'\n' | INTERRUPT));
                let taken = end.map_or(bytes.len(), |at| at + 1);
                line.extend_from_slice(&bytes[..taken]);
                from.consume(taken);
                if end.is_some() {
                    return Ok(line);
                }
            }
        }
    }
}
