//! Files of the operator in JSON: read strictly, refused with line, column and a hint.
//!
//! One meaning or none: a key that stands twice, a field nobody knows, a number that cannot be kept
//! are each a refusal. Knows no noun by itself.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use thymos_core::{canonical, misfit};

use crate::error::{AppError, ErrorKind};
use crate::near::nearest;

/// Bytes of such a file. A longer one is refused unread.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The text of a file; `-` is standard input.
///
/// # Errors
/// [`AppError`] naming the file.
pub fn text(what: &str, file: &Path) -> Result<String, AppError> {
    text_within(what, file, FILE_BYTES_MAX)
}

/// As [`text`], with another limit.
///
/// # Errors
/// As [`text`].
pub fn text_within(what: &str, file: &Path, bytes_max: u64) -> Result<String, AppError> {
    let shown = file.display();
    let unreadable = |error: std::io::Error| {
        AppError::new(
            ErrorKind::User,
            format!("{what} `{shown}` cannot be read: {error}"),
        )
        .hint("check the path and who owns it")
    };
    let mut bytes = Vec::new();
    let limit = bytes_max + 1;
    if file == Path::new("-") {
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(unreadable)?;
    } else {
        // A pipe or a device would be waited for.
        if fs::metadata(file).is_ok_and(|meta| !meta.is_file()) {
            let message = format!("{what} `{shown}` is no file");
            return Err(AppError::new(ErrorKind::User, message)
                .hint("write it to a file and name that, or give it as `-`"));
        }
        let opened = fs::File::open(file).map_err(unreadable)?;
        let read = opened.take(limit).read_to_end(&mut bytes);
        read.map_err(unreadable)?;
    }
    if bytes.len() as u64 > bytes_max {
        let message = format!("{what} `{shown}` is longer than {bytes_max} bytes");
        return Err(AppError::new(ErrorKind::User, message).hint("is it the right file?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let (line, column) = place(before.unwrap_or_default());
        slip(what, &shown.to_string(), line, column, "not UTF-8").hint("save it as UTF-8 text")
    })
}

/// Reads a noun from text.
///
/// # Errors
/// [`AppError`] with line, column and, for a mistyped name, the nearest known one.
pub fn parse<T: DeserializeOwned>(what: &str, shown: &str, text: &str) -> Result<T, AppError> {
    if let Err(invalid) = canonical::parse(text.as_bytes()) {
        let (line, column) = place(text.as_bytes().get(..invalid.at).unwrap_or_default());
        let words = invalid.to_string();
        let words = words.split(" at byte ").next().unwrap_or_default();
        return Err(slip(what, shown, line, column, words).hint("correct that place"));
    }
    canonical::from_text(text.as_bytes()).map_err(|error| {
        let hint =
            known_names(&error.to_string()).unwrap_or_else(|| "correct that place".to_owned());
        let words = misfit::words(&error);
        slip(what, shown, error.line(), error.column(), &words).hint(hint)
    })
}

fn slip(what: &str, shown: &str, line: usize, column: usize, words: &str) -> AppError {
    let message = format!("{what} `{shown}` line {line} column {column}: {words}");
    AppError::new(ErrorKind::User, message)
}

/// The nearest of the names that a decoder says it expected, or all of them.
fn known_names(words: &str) -> Option<String> {
    if !words.starts_with("unknown ") {
        return None;
    }
    let mut names = words.split('`').skip(1).step_by(2);
    let written = names.next()?;
    let known: Vec<&str> = names.collect();
    match nearest(written, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known are: {}", known.join(", "))),
    }
}

/// Line and column, from 1, of the place behind these bytes.
fn place(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let last = before.rsplit(|byte| *byte == b'\n').next();
    (line, last.map_or(0, <[u8]>::len) + 1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Noun {
        #[expect(dead_code, reason = "only its presence matters here")]
        grants: Vec<u8>,
    }

    #[test]
    fn k3_a_slip_is_told_with_its_place_and_the_nearest_name() {
        for (text, place, hint) in [
            (
                "{\n  \"grant\": []\n}",
                "line 2 column 9: unknown field `grant`",
                "`grants`",
            ),
            ("{\"grants\": [1,\n 2,]}", "line 2 column 4", "correct"),
            (
                "{\"grants\": [], \"grants\": []}",
                "stands twice",
                "correct",
            ),
            (
                "{\"grants\": [300]}",
                "line 1 column 15: a whole number from 0 to 255 is wanted here, not `300`",
                "correct",
            ),
            (
                "{\"zzzzzzzz\": 1}",
                "unknown field `zzzzzzzz`",
                "known are: grants",
            ),
            ("", "line 1 column 1", "correct"),
        ] {
            let error = parse::<Noun>("writ", "f.json", text).unwrap_err();
            assert!(error.message.starts_with("writ `f.json` line "), "{error}");
            assert!(error.message.contains(place), "{place}: {error}");
            assert!(error.hints[0].contains(hint), "{hint}: {error}");
        }
    }
}
