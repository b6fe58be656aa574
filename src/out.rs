//! The only file that prints: data to standard output, talk to standard error.
//!
//! A closed pipe ends the program quietly, as `head` expects. Everything that came from elsewhere is
//! made safe before it is printed.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use serde::Serialize;

use crate::error::{AppError, ErrorKind};
use crate::logins::without_passwords;
use crate::ui::safe_text::SafeText;

/// Prints one line of data. Text of others goes through [`safe`] first.
///
/// # Errors
/// [`AppError`] when standard output takes no more.
pub fn line(text: &str) -> Result<(), AppError> {
    write(text.as_bytes()).and_then(|()| write(b"\n"))
}

/// Prints one JSON value on a line of its own.
///
/// # Errors
/// As [`line()`].
pub fn json<T: Serialize>(value: &T) -> Result<(), AppError> {
    line(&json_text(value)?)
}

/// One JSON value as the line that [`json`] prints, without its end.
///
/// # Errors
/// [`AppError`] where there is no JSON for it, which is our mistake.
pub fn json_text<T: Serialize>(value: &T) -> Result<String, AppError> {
    serde_json::to_string(value)
        .map_err(|e| AppError::new(ErrorKind::Internal, format!("no JSON for this: {e}")))
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line()`].
pub fn write(bytes: &[u8]) -> Result<(), AppError> {
    match io::stdout().lock().write_all(bytes) {
        Ok(()) => Ok(()),
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            let message = format!("standard output cannot be written: {error}");
            Err(AppError::new(ErrorKind::User, message).hint("check the disk or the pipe"))
        }
    }
}

/// Says one line about the work, on standard error. Whatever names and words of others are in it, what
/// does not print is made visible, it stays one line, and no address in it tells its password: an error
/// repeats what was typed, and that may be the URL of a ledger where a path was wanted.
pub fn talk(text: &str) {
    let text = without_passwords(text);
    // Nobody listening is no reason to stop.
    drop(writeln!(io::stderr().lock(), "{}", safe(&text)));
}

/// Prints what is to be said of a command line that does not fit, or the help that it asks for, and ends.
pub fn usage(error: &clap::Error) -> ! {
    let told = error.render().to_string();
    let shown = without_passwords(&told);
    if shown == told {
        error.exit();
    }
    drop(write!(io::stderr().lock(), "{shown}"));
    std::process::exit(error.exit_code());
}

/// A value of others on one line, with everything that does not print made visible, line ends too: one that
/// could begin a line of its own could say anything in our name.
#[must_use]
pub fn safe(value: &str) -> String {
    SafeText::line(value).shown()
}

/// A text of others, whose lines stay lines. What is printed of it stands behind a mark of whose it is, or
/// alone.
#[must_use]
pub fn safe_lines(text: &str) -> String {
    let lines: Vec<String> = SafeText::lines(text).iter().map(SafeText::shown).collect();
    lines.join("\n")
}

/// Standard input, of which nothing is read ahead of being asked for, and standard output, for the linear
/// mode: it has to know what is out, and writes on a thread of its own.
///
/// # Errors
/// When the system gives no handle of it.
pub fn sides() -> io::Result<(File, io::Stdout)> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    Ok((File::from(input), io::stdout()))
}

/// Whether standard input and output are terminals.
#[must_use]
pub fn terminal() -> (bool, bool) {
    (io::stdin().is_terminal(), io::stdout().is_terminal())
}
