//! Rows, what has been typed to narrow them, and which one is chosen.

use thymos_core::TrajectoryId;
use thymos_core::id::ProposalId;
use thymos_protocol::{Settlement, SkillRow};

use crate::app::{Action, Shows};
use crate::args::Format;

use super::binding::Binding;

/// Characters that narrow a list, at most.
const TYPED_CHARS_MAX: usize = 200;

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An action to run.
    Action,
    /// A trajectory to open.
    Trajectory,
    /// A model to use.
    Model,
    /// How in-doubt work is settled.
    Settlement,
    /// A mode to issue.
    Mode,
    /// A skill to bind.
    Skill,
    /// A value of a skill's parameter.
    SkillValue,
    /// What a run is exported as.
    Export,
    /// What is shown of a map.
    Shown,
    /// An earlier message.
    Message,
}

impl Subject {
    /// What is asked, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Action => "run an action",
            Self::Trajectory => "open a trajectory",
            Self::Model => "choose the model of the next turn",
            Self::Mode => "choose a mode; it is shown before it is issued",
            Self::Skill => "bind a skill",
            Self::SkillValue => "choose a value",
            Self::Export => "export this run to a new file as",
            Self::Shown => "show on the map",
            Self::Message => "an earlier message, to write on",
            Self::Settlement => "what became of this work?",
        }
    }
}

/// What a row stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An action.
    Action(Action),
    /// A trajectory.
    Trajectory(TrajectoryId),
    /// A model.
    Model(String),
    /// A settlement of that work.
    Settlement(TrajectoryId, ProposalId, Settlement),
    /// A skill.
    Skill(Box<SkillRow>),
    /// A value of the parameter that is asked for.
    SkillValue(Box<Binding>, String),
    /// Kinds of nodes on the map.
    Shown(Shows),
    /// An export of that run.
    Export(TrajectoryId, Format),
    /// A message, whole.
    Message(String),
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickerRow {
    /// What is chosen by it.
    pub choice: Choice,
    /// What it is; typed letters are looked for here and in `more`.
    pub text: String,
    /// More about it, muted.
    pub more: String,
    /// At the right: a key, a count.
    pub tail: String,
    /// Whether it can be chosen here and now.
    pub usable: bool,
}

/// A list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picker {
    /// What is being chosen.
    pub subject: Subject,
    /// Whether rows have been asked for and not come.
    pub loading: bool,
    rows: Vec<PickerRow>,
    typed: String,
    // INVARIANT: places in `rows`, best first.
    found: Vec<usize>,
    selected: usize,
}

impl Picker {
    /// A list of these rows.
    #[must_use]
    pub fn new(subject: Subject, rows: Vec<PickerRow>) -> Self {
        let mut picker = Self {
            subject,
            loading: false,
            rows: Vec::new(),
            typed: String::new(),
            found: Vec::new(),
            selected: 0,
        };
        picker.fill(rows);
        picker
    }

    /// A list whose rows have been asked for.
    #[must_use]
    pub fn waiting(subject: Subject) -> Self {
        Self {
            loading: true,
            ..Self::new(subject, Vec::new())
        }
    }

    /// Takes the rows; what has been typed so far narrows them.
    pub fn fill(&mut self, rows: Vec<PickerRow>) {
        self.rows = rows;
        self.loading = false;
        self.narrow();
    }

    /// As [`Self::fill`], and the chosen row stays chosen where it is still there.
    pub fn refill(&mut self, rows: Vec<PickerRow>) {
        let chosen = self.chosen().map(|row| row.choice.clone());
        self.fill(rows);
        let place = chosen.and_then(|choice| self.found().position(|row| row.choice == choice));
        self.selected = place.unwrap_or_default();
    }

    /// What has been typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The rows that match, best first, and which of them is chosen.
    pub fn found(&self) -> impl ExactSizeIterator<Item = &PickerRow> {
        // INVARIANT: `found` holds places in `rows`.
        self.found.iter().map(|at| &self.rows[*at])
    }

    /// The place of the chosen row among those that match.
    #[must_use]
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The chosen row.
    #[must_use]
    pub fn chosen(&self) -> Option<&PickerRow> {
        self.rows.get(*self.found.get(self.selected)?)
    }

    /// Narrows by one more piece of text.
    pub fn insert(&mut self, text: &str) {
        let room = TYPED_CHARS_MAX.saturating_sub(self.typed.chars().count());
        let shown = text.chars().filter(|ch| !ch.is_control()).take(room);
        self.typed.extend(shown);
        self.narrow();
    }

    /// Takes back the last character.
    pub fn backspace(&mut self) {
        self.typed.pop();
        self.narrow();
    }

    /// Takes back everything typed.
    pub fn clear(&mut self) {
        self.typed.clear();
        self.narrow();
    }

    /// Chooses another row.
    pub fn step(&mut self, by: isize) {
        let last = self.found.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    fn narrow(&mut self) {
        let mut scored: Vec<(u32, usize)> = self
            .rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| {
                let text = format!("{} {}", row.text, row.more);
                let late = if row.usable { 0 } else { 1 << 16 };
                Some((score(&text, &self.typed)? + late, at))
            })
            .collect();
        scored.sort_unstable();
        self.found = scored.into_iter().map(|(_, at)| at).collect();
        self.selected = 0;
    }
}

/// How well typed letters fit a text, less is better; none when they do not come in that order.
pub(super) fn score(text: &str, typed: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return Some(0);
    }
    if let Some(at) = text.find(&typed) {
        let begins_word = text
            .get(..at)
            .and_then(|before| before.chars().next_back())
            .is_none_or(|before| !before.is_alphanumeric());
        return Some(if begins_word { 1 } else { 2 });
    }
    let mut gaps = 0;
    let mut letters = text.chars();
    for wanted in typed.chars().filter(|ch| !ch.is_whitespace()) {
        let skipped = letters.position(|ch| ch == wanted)?;
        gaps += u32::try_from(skipped).unwrap_or(u32::MAX).min(100);
    }
    Some(3 + gaps)
}
