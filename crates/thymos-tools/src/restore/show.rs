//! What a restore would do, as facts and one preview of all of it. Reads nothing.

use thymos_core::delta::{Resource, ResourceValue};
use thymos_core::limits::PREVIEW_BYTES_MAX;
use thymos_core::resolved::{Preview, PreviewKind, ResolvedPath, ResolvedResource};

use crate::preview::{Change, preview};
use crate::store::json_of;
use crate::text::prefix;

/// Characters of a stored value that a preview shows.
const VALUE_CHARS_MAX: usize = 200;

/// Facts and previews so far.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) paths: Vec<ResolvedPath>,
    pub(super) resources: Vec<ResolvedResource>,
    previews: Vec<Preview>,
}

impl Shown {
    pub(super) fn file(&mut self, path: &str, before: Option<&[u8]>, after: Option<&[u8]>) {
        let mut one = preview(&Change {
            path,
            before,
            after: after.unwrap_or_default(),
        });
        if after.is_none() {
            let head = format!("+++ b/{path}\n");
            one.text = one.text.replacen(&head, "+++ /dev/null\n", 1);
        }
        self.previews.push(one);
    }

    pub(super) fn stored(
        &mut self,
        resource: &Resource,
        before: Option<&ResourceValue>,
        after: Option<&ResourceValue>,
    ) {
        let text = |side: Option<&ResourceValue>| match side.and_then(json_of) {
            None => "nothing".to_owned(),
            Some(value) => value.to_string().chars().take(VALUE_CHARS_MAX).collect(),
        };
        self.previews.push(Preview {
            kind: PreviewKind::Text,
            text: format!("{resource}: {} -> {}\n", text(before), text(after)),
            added: 0,
            removed: 0,
            truncated: false,
        });
    }

    /// All previews as one; a diff when any of them is.
    pub(super) fn preview(&self) -> Preview {
        let mut text = String::new();
        for one in &self.previews {
            text.push_str(&one.text);
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        let is_diff = |one: &Preview| one.kind == PreviewKind::Diff;
        let long = text.len() > PREVIEW_BYTES_MAX;
        Preview {
            kind: match self.previews.iter().any(is_diff) {
                true => PreviewKind::Diff,
                false => PreviewKind::Text,
            },
            text: prefix(&text, PREVIEW_BYTES_MAX).to_owned(),
            added: self.previews.iter().map(|one| one.added).sum(),
            removed: self.previews.iter().map(|one| one.removed).sum(),
            truncated: long || self.previews.iter().any(|one| one.truncated),
        }
    }
}
