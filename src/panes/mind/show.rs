//! Which kinds of nodes are shown, and four choices that are made at once.

use std::collections::BTreeSet;

use crate::mind::{Mind, NodeKind, Row};

/// A choice of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Every kind.
    All,
    /// What was judged, and by whom.
    Decisions,
    /// Only calls that were refused or failed.
    Failures,
    /// What was done.
    Effects,
}

impl Preset {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::All, Self::Decisions, Self::Failures, Self::Effects];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Decisions => "decisions only",
            Self::Failures => "failures only",
            Self::Effects => "effects only",
        }
    }

    fn kinds(self) -> BTreeSet<NodeKind> {
        use NodeKind as K;
        match self {
            Self::All | Self::Failures => K::ALL.into(),
            Self::Decisions => [K::Intent, K::Proposal, K::Verdict].into(),
            Self::Effects => [K::Intent, K::Execution, K::Child, K::Commit, K::Error].into(),
        }
    }
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    kinds: BTreeSet<NodeKind>,
    failures: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self::of(Preset::All)
    }
}

impl Show {
    /// What a preset shows.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        Self {
            kinds: preset.kinds(),
            failures: preset == Preset::Failures,
        }
    }

    /// Whether nodes of this kind are shown.
    #[must_use]
    pub fn has(&self, kind: NodeKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Shows a kind, or not. The last one stays: an empty map would look like a run without anything.
    pub fn toggle(&mut self, kind: NodeKind) {
        let was_shown = self.kinds.remove(&kind);
        if !was_shown || self.kinds.is_empty() {
            self.kinds.insert(kind);
        }
    }

    /// Whether a call is shown at all.
    #[must_use]
    pub fn has_row(&self, mind: &Mind, row: &Row) -> bool {
        let mut nodes = row.nodes.iter().filter_map(|at| mind.nodes().get(*at));
        !self.failures || nodes.any(|node| node.state.is_bad())
    }

    /// Whether turns without a call are shown.
    #[must_use]
    pub fn has_bare_lanes(&self) -> bool {
        !self.failures
    }

    /// In a few words: the preset, or the kinds.
    #[must_use]
    pub fn words(&self) -> String {
        let preset = Preset::ALL.into_iter().find(|one| *self == Self::of(*one));
        if let Some(preset) = preset {
            return preset.word().to_owned();
        }
        let words: Vec<&str> = self.kinds.iter().map(|kind| kind.word()).collect();
        match self.failures {
            true => format!("failures, {}", words.join(" ")),
            false => words.join(" "),
        }
    }
}
