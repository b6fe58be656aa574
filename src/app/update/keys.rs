//! Keys and pastes: resolved against the focused context, else typed where text is taken.
//!
//! A character typed in the composer reaches the composer and nothing else.

use std::sync::Arc;

use crate::app::{Action, App};
use crate::keymap::{Context, Key, Resolved};

use super::{act, composer, history, mention, overlays};

/// Takes one key press.
pub(super) fn press(app: &mut App, key: Key) {
    let armed = app.interrupt_is_armed();
    if !armed {
        app.notice = None;
    }
    let keymap = Arc::clone(&app.keymap);
    let context = app.context();
    history::nobody_waits(app);
    match app.chords.press(&keymap, context, key, app.now.mono) {
        Resolved::Pending => {}
        Resolved::Run(binding) => run(app, &binding.run.clone()),
        Resolved::Unbound(keys) => {
            if let [key] = keys.as_slice()
                && let Some(typed) = key.typed()
            {
                type_text(app, typed.encode_utf8(&mut [0; 4]));
            }
        }
    }
}

/// Takes an action that was asked for by its name; what was told before has been read by then.
pub(super) fn run_by_name(app: &mut App, action: Action) {
    if !app.interrupt_is_armed() {
        app.notice = None;
    }
    act(app, action);
}

/// Ends a chord that has waited too long.
pub(super) fn expire(app: &mut App) {
    let keymap = Arc::clone(&app.keymap);
    let context = app.context();
    let run_id = app
        .chords
        .expire(&keymap, context, app.now.mono)
        .map(|row| row.run.clone());
    if let Some(id) = run_id {
        run(app, &id);
    }
}

/// Takes a paste: text and nothing else, wherever text is taken.
pub(super) fn paste(app: &mut App, text: &str) {
    app.chords.clear();
    history::nobody_waits(app);
    type_text(app, text);
}

fn run(app: &mut App, id: &str) {
    if let Some(action) = Action::parse(id) {
        act(app, action);
    }
}

fn type_text(app: &mut App, text: &str) {
    if overlays::type_text(app, text) {
        return;
    }
    match app.context() {
        Context::Composer | Context::Mention => {
            composer::insert(app, text);
            mention::typed(app, text);
        }
        // A printable key that means nothing in the transcript goes back to the composer.
        Context::Transcript => {
            composer::focus(app);
            composer::insert(app, text);
            mention::typed(app, text);
        }
        // Nowhere else: a stray key must never turn into words, nor words into a decision.
        Context::Global
        | Context::List
        | Context::Queue
        | Context::Card
        | Context::Prompt
        | Context::Ledger
        | Context::Inspector
        | Context::Authority
        | Context::Runs
        | Context::Mind
        | Context::Sign
        | Context::Picker
        | Context::Help
        | Context::Dialog => {}
    }
}
