//! A list that is shown instead of the entries: where something comes from, or how two moments differ.
//! Each row may lead somewhere.

use thymos_core::{EntryId, TrajectoryId};
use thymos_protocol::{Provenance, ProvenanceStep, WorldDiff, WorldDiffRow};

use crate::panes::reader::Said;
use crate::theme::Role;
use crate::ui::vlist::VirtualList;

use super::row::told;
use super::state::FileChange;

/// A list of lines, one of them chosen.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// In the border.
    pub title: String,
    /// What opening a row does, in two words.
    pub opens: &'static str,
    /// All of it, for copying as JSON.
    pub json: String,
    pub(super) rows: Vec<SheetRow>,
    pub(super) list: VirtualList,
    chosen: usize,
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct SheetRow {
    pub(super) said: Said,
    leads: Leads,
}

/// Where a row leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Leads {
    /// Nowhere: words between rows.
    #[default]
    Nowhere,
    /// To an entry.
    Entry {
        /// Of this trajectory.
        trajectory: TrajectoryId,
        /// Its sequence number.
        seq: u64,
        /// Its id.
        entry: EntryId,
    },
    /// To how a file differs.
    File(FileChange),
}

impl Sheet {
    fn new(title: String, opens: &'static str, json: String, rows: Vec<SheetRow>) -> Self {
        let first = rows.iter().position(|row| row.leads != Leads::Nowhere);
        Self {
            title,
            opens,
            json,
            rows,
            list: VirtualList::new(),
            chosen: first.unwrap_or(0),
        }
    }

    /// The place of the chosen row.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.chosen
    }

    /// Where the chosen row leads.
    #[must_use]
    pub fn leads(&self) -> &Leads {
        self.rows
            .get(self.chosen)
            .map_or(&Leads::Nowhere, |row| &row.leads)
    }

    /// The chosen row, for copying.
    #[must_use]
    pub fn text(&self) -> String {
        let row = self.rows.get(self.chosen);
        row.map_or_else(String::new, |row| {
            format!("{}{}", row.said.head, row.said.text)
        })
    }

    /// Chooses another row, so many further.
    pub fn step(&mut self, by: i64) {
        let last = self.rows.len().saturating_sub(1);
        let by = isize::try_from(by).unwrap_or(if by < 0 { isize::MIN } else { isize::MAX });
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.list.reveal(self.chosen);
    }

    /// Rows of half a view, for moving by them.
    #[must_use]
    pub fn half(&self) -> i64 {
        i64::try_from(self.list.extent().shown / 2)
            .unwrap_or(1)
            .max(1)
    }

    /// Where something comes from, and what came of it.
    #[must_use]
    pub fn of_provenance(found: &Provenance) -> Self {
        let about = match &found.resource {
            Some(resource) if found.back.is_empty() => format!("{resource}, set by no entry"),
            Some(resource) => format!("{resource}, set at seq {}", found.seq),
            None => format!("seq {}", found.seq),
        };
        let mut rows: Vec<SheetRow> = found.back.iter().map(|one| step(one, found)).collect();
        rows.push(words(Role::Muted, ""));
        rows.push(words(
            Role::Muted,
            match found.forward.is_empty() {
                true => "nothing in the record came of it",
                false => "what came of it:",
            },
        ));
        rows.extend(found.forward.iter().map(|one| step(one, found)));
        if found.forward_left > 0 {
            let text = format!("and {} more entries", found.forward_left);
            rows.push(words(Role::Warn, text));
        }
        rows.extend(
            found
                .notes
                .iter()
                .map(|note| words(Role::Warn, note.clone())),
        );
        let json = serde_json::to_string(found).unwrap_or_default();
        let title = format!("PROVENANCE of {about}");
        Self::new(title, "go there", json, rows)
    }

    /// How two moments differ: what was spent, and each resource.
    #[must_use]
    pub fn of_difference(diff: &WorldDiff) -> Self {
        let spent = crate::tell::spent(&diff.from_spent, &diff.to_spent);
        let mut rows = vec![SheetRow {
            said: Said::labelled("spent  ", Role::Text, spent),
            leads: Leads::Nowhere,
        }];
        if diff.rows.is_empty() {
            rows.push(words(Role::Muted, "the two worlds are the same"));
        }
        if diff.partial {
            let text = "entries before it were erased; this is what is left";
            rows.push(words(Role::Warn, text));
        }
        let between = (diff.from_seq, diff.to_seq);
        rows.extend(diff.rows.iter().map(|row| changed(row, between)));
        let json = serde_json::to_string(diff).unwrap_or_default();
        let count = diff.rows.len();
        let title = format!(
            "the world from seq {} to seq {} - {count} differ",
            diff.from_seq, diff.to_seq
        );
        Self::new(title, "see the change", json, rows)
    }
}

fn words(role: Role, text: impl Into<String>) -> SheetRow {
    SheetRow {
        said: Said::words(role, text),
        leads: Leads::Nowhere,
    }
}

/// `wanted          35  fs_write src/lib.rs`, with where it is when that is another run.
fn step(step: &ProvenanceStep, found: &Provenance) -> SheetRow {
    let event = &step.event;
    let head = format!("{:<11} {:>7}  ", step.relation.words(), event.seq);
    let mut text = told(event).what;
    if let Some(resource) = step.resource.as_ref().filter(|_| found.resource.is_none()) {
        text = format!("{resource}: {text}");
    }
    if event.trajectory != found.trajectory {
        text = format!("t-{} {text}", event.trajectory.short());
    }
    SheetRow {
        said: Said::labelled(head, Role::Text, text),
        leads: Leads::Entry {
            trajectory: event.trajectory,
            seq: event.seq,
            entry: event.entry,
        },
    }
}

fn changed(row: &WorldDiffRow, (from, to): (u64, u64)) -> SheetRow {
    let (mark, role, text) = match (&row.before, &row.after) {
        (Some(before), Some(after)) => (
            "~",
            Role::Text,
            format!(
                "{}  {} -> {}  (version {} -> {}, set by seq {})",
                row.resource, before.value, after.value, before.version, after.version, after.seq
            ),
        ),
        (Some(before), None) => (
            "-",
            Role::DiffDel,
            format!("{}  {}", row.resource, before.value),
        ),
        (None, Some(after)) => (
            "+",
            Role::DiffAdd,
            format!(
                "{}  {}  (set by seq {})",
                row.resource, after.value, after.seq
            ),
        ),
        (None, None) => (" ", Role::Muted, row.resource.clone()),
    };
    let path = row.resource.strip_prefix("file:").map(str::to_owned);
    SheetRow {
        said: Said::words(role, format!("{mark} {text}")),
        leads: path.map_or(Leads::Nowhere, |path| {
            Leads::File(FileChange { path, from, to })
        }),
    }
}
