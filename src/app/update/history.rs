//! Messages of before: those of every run and sitting of this workspace, as the record has them.
//!
//! Asked for when somebody first wants one, so that no start waits for it, and again for each search.

use thymos_protocol::Command;

use super::composer;
use crate::app::{Action, App, Asked, Overlay};
use crate::keymap::Context;
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};

/// Whether earlier messages are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// Nobody wanted one yet.
    #[default]
    NotAsked,
    /// They are on their way.
    Asked {
        /// Whether the newest one is to be shown when they come.
        shows: bool,
    },
    /// The composer has them.
    Here,
}

fn ask(app: &mut App) {
    // The record may not have these yet when it is read.
    let under_way = app.asked.values().filter_map(|asked| match asked {
        Asked::Prompt(text) => Some(text.clone()),
        _ => None,
    });
    let under_way = under_way.collect();
    app.composer.await_past(under_way);
    app.history = History::Asked { shows: false };
    app.ask(Asked::History, Command::Messages);
}

/// Somebody goes up from the first line.
pub(super) fn up(app: &mut App) {
    if app.history == History::NotAsked {
        ask(app);
    }
    if let History::Asked { shows } = &mut app.history {
        *shows = app.composer.history().is_empty();
    }
}

/// A key was pressed: what comes from now on is not what was asked for with the last one.
pub(super) fn nobody_waits(app: &mut App) {
    if let History::Asked { shows } = &mut app.history {
        *shows = false;
    }
}

/// Lists earlier messages, newest first, each once.
pub(super) fn open(app: &mut App) {
    let rows = rows(app);
    let picker = match rows.is_empty() {
        true => Picker::waiting(Subject::Message),
        false => Picker::new(Subject::Message, rows),
    };
    app.overlays.push(Overlay::Picker(picker));
    ask(app);
}

/// They came, newest first.
pub(super) fn came(app: &mut App, mut texts: Vec<String>) {
    let shows = app.history == History::Asked { shows: true };
    app.history = History::Here;
    texts.reverse();
    app.composer.take_past(texts, &app.queued);
    let rows = rows(app);
    let writes = app.context() == Context::Composer;
    match app.overlays.last_mut() {
        Some(Overlay::Picker(picker)) if picker.subject == Subject::Message => {
            if rows.is_empty() {
                app.overlays.pop();
                app.tell("no messages yet");
            } else {
                picker.refill(rows);
            }
        }
        _ if shows && writes => {
            app.composer.edit(Action::ComposerUp);
            composer::edited(app);
        }
        _ => {}
    }
}

/// They did not come; the next one who wants them asks again.
pub(super) fn failed(app: &mut App) {
    app.history = History::NotAsked;
    if let Some(Overlay::Picker(picker)) = app.overlays.last_mut()
        && picker.subject == Subject::Message
    {
        picker.loading = false;
    }
}

fn rows(app: &App) -> Vec<PickerRow> {
    let said = app.composer.history().iter().rev();
    said.filter(|text| !text.trim().is_empty())
        .map(|text| row(text))
        .collect()
}

fn row(text: &str) -> PickerRow {
    let lines = text.lines().count();
    PickerRow {
        choice: Choice::Message(text.to_owned()),
        text: text.lines().next().unwrap_or_default().to_owned(),
        more: text.lines().skip(1).collect::<Vec<_>>().join(" "),
        tail: match lines {
            0 | 1 => String::new(),
            many => format!("{many} lines"),
        },
        usable: true,
    }
}
