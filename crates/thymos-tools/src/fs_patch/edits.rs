//! Replacement by exact anchors. Works on bytes, so any encoding survives.

use serde::Deserialize;
use thymos_ports::tool::Unresolvable;

use crate::limits::FILE_BYTES_MAX;
use crate::text::{LineEnds, Traits};

/// One replacement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    pub(super) old: String,
    pub(super) new: String,
    #[serde(default)]
    pub(super) all: bool,
}

/// Line numbers named for an ambiguous anchor.
const PLACES_NAMED_MAX: usize = 5;

/// Makes the edits one after another.
pub(super) fn apply(path: &str, edits: &[Edit], before: &[u8]) -> Result<Vec<u8>, Unresolvable> {
    let crlf = Traits::of(before).line_ends == LineEnds::CrLf;
    let mut content = before.to_vec();
    for (index, edit) in edits.iter().enumerate() {
        let number = index + 1;
        let (old, new) = (fit(&edit.old, crlf), fit(&edit.new, crlf));
        if old.is_empty() {
            return Err(Unresolvable::new(format!(
                "edit {number}: the text to replace is empty"
            )));
        }
        let places = find_all(&content, &old);
        match places.as_slice() {
            [] => {
                let message = format!("edit {number}: its text is not in `{path}`");
                let hint =
                    "read the file again; spaces, tabs and line ends must be exactly the same";
                return Err(Unresolvable::with_hint(message, hint));
            }
            [_] => {}
            several if !edit.all => {
                let message = format!(
                    "edit {number}: its text is in `{path}` {} times, at {}",
                    several.len(),
                    line_numbers(&content, several)
                );
                let hint = "add neighbouring lines to the anchor, or set `all`";
                return Err(Unresolvable::with_hint(message, hint));
            }
            _ => {}
        }
        let size = content.len() + places.len().saturating_mul(new.len());
        if size > FILE_BYTES_MAX {
            return Err(Unresolvable::new(format!(
                "edit {number}: `{path}` would become too large"
            )));
        }
        content = replace(&content, &places, old.len(), &new);
    }
    Ok(content)
}

/// Text with the file's own line ends: models write LF whatever the file has.
fn fit(text: &str, crlf: bool) -> Vec<u8> {
    if crlf {
        text.replace("\r\n", "\n")
            .replace('\n', "\r\n")
            .into_bytes()
    } else {
        text.as_bytes().to_vec()
    }
}

/// Where `old` begins, without overlaps.
fn find_all(content: &[u8], old: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = find(content, old, from) {
        places.push(at);
        from = at + old.len();
    }
    places
}

fn find(content: &[u8], old: &[u8], from: usize) -> Option<usize> {
    let first = old.first()?;
    let mut at = from;
    loop {
        let rest = content.get(at..)?;
        at += rest.iter().position(|byte| byte == first)?;
        if content.get(at..)?.starts_with(old) {
            return Some(at);
        }
        at += 1;
    }
}

fn replace(content: &[u8], places: &[usize], old_bytes: usize, new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + places.len() * new.len());
    let mut from = 0;
    for &at in places {
        out.extend_from_slice(content.get(from..at).unwrap_or_default());
        out.extend_from_slice(new);
        from = at + old_bytes;
    }
    out.extend_from_slice(content.get(from..).unwrap_or_default());
    out
}

fn line_numbers(content: &[u8], places: &[usize]) -> String {
    let named = places.iter().take(PLACES_NAMED_MAX).map(|&at| {
        let above = content.get(..at).unwrap_or_default();
        format!(
            "{}",
            above.iter().filter(|byte| **byte == b'\n').count() + 1
        )
    });
    let named: Vec<String> = named.collect();
    let more = if places.len() > PLACES_NAMED_MAX {
        " and more"
    } else {
        ""
    };
    format!("lines {}{more}", named.join(", "))
}
