//! Exact previews of a change: a unified diff, cut honestly when it is large. Reads no files.

use similar::{Algorithm, ChangeTag, DiffOp, TextDiff};
use thymos_core::limits::PREVIEW_BYTES_MAX;
use thymos_core::resolved::{Preview, PreviewKind};

use crate::limits::{DIFF_BYTES_MAX, DIFF_WORK_MAX};
use crate::text::{Traits, counted, lines, prefix};

/// A change of one file.
pub(crate) struct Change<'a> {
    pub(crate) path: &'a str,
    /// None when the file is not there yet.
    pub(crate) before: Option<&'a [u8]>,
    pub(crate) after: &'a [u8],
}

/// Previews a change.
pub(crate) fn preview(change: &Change<'_>) -> Preview {
    let before = change.before.unwrap_or_default();
    if Traits::of(before).binary || Traits::of(change.after).binary {
        return sizes(change, "binary content");
    }
    if before.len().max(change.after.len()) > DIFF_BYTES_MAX {
        return sizes(change, "too large to be compared line by line");
    }
    let mut text = match change.before {
        Some(_) => format!("--- a/{0}\n+++ b/{0}\n", change.path),
        None => format!("--- /dev/null\n+++ b/{}\n", change.path),
    };
    let (added, removed) = match changed_lines(before, change.after) {
        (old, new) if old.saturating_mul(new) > DIFF_WORK_MAX => {
            whole(before, change.after, &mut text)
        }
        _ => exact(before, change.after, &mut text),
    };
    let truncated = text.len() > PREVIEW_BYTES_MAX;
    if truncated {
        text = prefix(&text, PREVIEW_BYTES_MAX).to_owned();
    }
    Preview {
        kind: PreviewKind::Diff,
        text,
        added,
        removed,
        truncated,
    }
}

fn sizes(change: &Change<'_>, why: &str) -> Preview {
    let before = change.before.unwrap_or_default();
    let was = match change.before {
        Some(bytes) => counted(bytes.len(), "byte"),
        None => "no file".to_owned(),
    };
    Preview {
        kind: PreviewKind::Text,
        text: format!(
            "{}: {why}; {was} -> {}",
            change.path,
            counted(change.after.len(), "byte")
        ),
        added: lines(change.after).count() as u64,
        removed: lines(before).count() as u64,
        truncated: false,
    }
}

/// How many lines lie between the common beginning and the common end, on each side.
fn changed_lines(before: &[u8], after: &[u8]) -> (usize, usize) {
    let old: Vec<&[u8]> = before.split(|byte| *byte == b'\n').collect();
    let new: Vec<&[u8]> = after.split(|byte| *byte == b'\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(room)
        .take_while(|(a, b)| a == b);
    let same = head + tail.count();
    (old.len() - same, new.len() - same)
}

fn exact(before: &[u8], after: &[u8], text: &mut String) -> (u64, u64) {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .diff_lines(before, after);
    text.push_str(&diff.unified_diff().context_radius(3).to_string());
    let (mut added, mut removed) = (0, 0);
    for op in diff.ops() {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_len, .. } => removed += old_len,
            DiffOp::Insert { new_len, .. } => added += new_len,
            DiffOp::Replace {
                old_len, new_len, ..
            } => {
                removed += old_len;
                added += new_len;
            }
        }
    }
    (added as u64, removed as u64)
}

/// Every old line removed and every new one added; true, if not short.
fn whole(before: &[u8], after: &[u8], text: &mut String) -> (u64, u64) {
    let (old, new) = (lines(before).count(), lines(after).count());
    text.push_str(&format!("@@ -1,{old} +1,{new} @@\n"));
    for (tag, side) in [(ChangeTag::Delete, before), (ChangeTag::Insert, after)] {
        for line in lines(side) {
            if text.len() > PREVIEW_BYTES_MAX {
                break;
            }
            text.push_str(&format!("{tag}{}\n", String::from_utf8_lossy(line)));
        }
    }
    (new as u64, old as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change<'a>(before: Option<&'a str>, after: &'a str) -> Preview {
        preview(&Change {
            path: "a.txt",
            before: before.map(str::as_bytes),
            after: after.as_bytes(),
        })
    }

    #[test]
    fn a_changed_line_is_one_removed_and_one_added() {
        let seen = change(Some("a\nb\nc\n"), "a\nB\nc\n");
        assert_eq!((seen.added, seen.removed), (1, 1));
        assert_eq!(
            seen.text,
            "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
    }

    #[test]
    fn a_new_file_comes_from_nowhere() {
        let seen = change(None, "a\n");
        assert!(seen.text.starts_with("--- /dev/null\n+++ b/a.txt\n"));
        assert_eq!((seen.added, seen.removed), (1, 0));
    }

    #[test]
    fn a_missing_final_newline_is_told() {
        assert!(
            change(Some("a\n"), "a")
                .text
                .contains("No newline at end of file")
        );
    }

    #[test]
    fn binary_content_is_told_by_size() {
        let seen = change(Some("a"), "\0\0");
        assert_eq!(seen.kind, PreviewKind::Text);
        assert_eq!(seen.text, "a.txt: binary content; 1 byte -> 2 bytes");
    }

    #[test]
    fn a_rewrite_of_many_lines_stays_bounded() {
        let old: String = (0..60_000).map(|n| format!("old {n}\n")).collect();
        let new: String = (0..60_000).map(|n| format!("new {n}\n")).collect();
        let seen = change(Some(&old), &new);
        assert_eq!((seen.added, seen.removed), (60_000, 60_000));
        assert!(seen.truncated && seen.text.len() <= PREVIEW_BYTES_MAX);
    }
}
