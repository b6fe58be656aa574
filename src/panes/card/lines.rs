//! The canonical fields as lines: in their order, each whole, with a tone to colour it by.
//!
//! Adds, drops and reorders nothing; knows no width.

use thymos_core::presentation::{Label, Presentation};

/// How a line is coloured. Never what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// What will run, in one line.
    Command,
    /// A line that comes.
    Added,
    /// A line that goes.
    Removed,
    /// Where a hunk begins.
    Hunk,
}

/// One line of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLine {
    /// The field's label, on its first line only.
    pub label: Option<Label>,
    /// The line, exact and unescaped.
    pub text: String,
    /// How it is coloured.
    pub tone: Tone,
}

/// Every line of every field, in order.
#[must_use]
pub(crate) fn of(presentation: &Presentation) -> Vec<CardLine> {
    let mut lines = Vec::new();
    for field in &presentation.fields {
        let mut in_hunk = false;
        for (at, text) in field.lines.iter().enumerate() {
            in_hunk |= text.starts_with("@@ ");
            lines.push(CardLine {
                label: (at == 0).then_some(field.label),
                text: text.clone(),
                tone: tone(field.label, text, in_hunk),
            });
        }
    }
    lines
}

fn tone(label: Label, text: &str, in_hunk: bool) -> Tone {
    match label {
        Label::What if text.starts_with("$ ") => Tone::Command,
        Label::Body if text.starts_with("@@ ") => Tone::Hunk,
        // Before the first hunk `---` and `+++` name files; within one they are lines.
        Label::Body if !in_hunk && (text.starts_with("+++") || text.starts_with("---")) => {
            Tone::Plain
        }
        Label::Body if in_hunk && text.starts_with('+') => Tone::Added,
        Label::Body if in_hunk && text.starts_with('-') => Tone::Removed,
        Label::What
        | Label::Body
        | Label::Touches
        | Label::Why
        | Label::Who
        | Label::Writ
        | Label::Cost
        | Label::Undo
        | Label::Quorum
        | Label::Notes => Tone::Plain,
    }
}
