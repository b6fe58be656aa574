//! What keys do while something lies over the screen.
//!
//! A question swallows everything but its own keys, so nothing happens beneath it.

use thymos_protocol::Command;

use crate::app::overlay::Choice;
use crate::app::{Action, App, Asked, Effect, Overlay};
use crate::panes::reader::Topic;

use super::{picker, prompt, question, reader, sign};

/// Whether the overlay on top took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let Some(top) = app.overlays.last_mut() else {
        return false;
    };
    match (top, action) {
        // Help is for what is in front; a second press of its key asks for nothing more.
        (Overlay::Reader(reader), Action::HelpOpen) if reader.topic == Topic::Help => {}
        (_, Action::HelpOpen) => return picker::open(app, action),
        (_, Action::FocusBack) => {
            app.overlays.pop();
        }
        (Overlay::Quit(choice), Action::DialogNext | Action::DialogPrevious) => {
            *choice = choice.other();
        }
        // A second wish to quit, said while the question stands, is an answer to it.
        (Overlay::Quit(_), Action::AppQuit) => leave(app),
        (Overlay::Quit(Choice::Go), Action::DialogAccept) => leave(app),
        (Overlay::Quit(Choice::Stay) | Overlay::Writ, Action::DialogAccept) => {
            app.overlays.pop();
        }
        (Overlay::Mode(question), Action::DialogAccept) => {
            let mode = question.mode;
            app.overlays.pop();
            if let Some(trajectory) = app.session.trajectory() {
                app.ask(Asked::SetMode(mode), Command::SetMode { trajectory, mode });
            }
        }
        (_, Action::ScreenRedraw | Action::AppSuspend) => return false,
        (Overlay::Prompt(_), _) => prompt::act(app, action),
        (Overlay::Picker(_), _) => picker::act(app, action),
        (Overlay::Reader(_), _) => reader::act(app, action),
        (Overlay::Question(_), _) => question::act(app, action),
        (Overlay::Sign(_), _) => sign::act(app, action),
        (Overlay::Quit(_) | Overlay::Mode(_) | Overlay::Writ, _) => {}
    }
    true
}

/// Whether the overlay on top took typed text; a question takes it and drops it.
pub(super) fn type_text(app: &mut App, text: &str) -> bool {
    match app.overlays.last_mut() {
        None => return false,
        Some(Overlay::Prompt(prompt)) => prompt.insert(text),
        Some(Overlay::Picker(picker)) => picker.insert(text),
        Some(
            Overlay::Quit(_)
            | Overlay::Mode(_)
            | Overlay::Writ
            | Overlay::Reader(_)
            | Overlay::Question(_)
            | Overlay::Sign(_),
        ) => {}
    }
    true
}

fn leave(app: &mut App) {
    super::save_draft(app);
    app.want(Effect::Quit(0));
}
