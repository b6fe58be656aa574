//! What a question does with its actions, and what comes of an answer.
//!
//! What an answer is about must have been on screen; Esc and Enter on the first answer change
//! nothing.

use thymos_core::ProposalId;
use thymos_protocol::Ticket;

use crate::app::{Action, App, Asked, Overlay, Pane};
use crate::panes::prompt::Prompt;
use crate::panes::question::{Deed, Question};

/// Takes an action; a question takes all there are.
pub(super) fn act(app: &mut App, action: Action) {
    let Some(Overlay::Question(question)) = app.overlays.last_mut() else {
        return;
    };
    match action {
        Action::DialogNext => question.turn(true),
        Action::DialogPrevious => question.turn(false),
        Action::DialogAccept => accept(app),
        _ => {
            question.body.act(action);
        }
    }
}

/// Pushes a question whose body is asked for by this command.
pub(super) fn ask(app: &mut App, title: impl Into<String>, command: thymos_protocol::Command) {
    let ticket = app.ask(Asked::Waiting, command);
    let question = Question::waiting(title, ticket);
    app.overlays.push(Overlay::Question(Box::new(question)));
}

/// Puts a question in the place of the one that waited for that ticket, if it is still there.
pub(super) fn fill(app: &mut App, ticket: Ticket, filled: Question) {
    for overlay in &mut app.overlays {
        if let Overlay::Question(question) = overlay
            && question.waits == Some(ticket)
        {
            **question = filled;
            return;
        }
    }
}

/// What a question waited for did not come: it goes away, and the status line says why.
pub(super) fn failed(app: &mut App, ticket: Ticket) {
    app.overlays.retain(
        |overlay| !matches!(overlay, Overlay::Question(asked) if asked.waits == Some(ticket)),
    );
}

/// An answer to a hold did not count: what was offered because of it goes away.
pub(super) fn withdraw(app: &mut App, proposal: ProposalId) {
    app.overlays.retain(
        |overlay| !matches!(overlay, Overlay::Question(asked) if asked.follows == Some(proposal)),
    );
}

fn accept(app: &mut App) {
    let Some(Overlay::Question(question)) = app.overlays.last() else {
        return;
    };
    match question.deed() {
        Err(why) => app.tell(why),
        Ok(deed) => {
            app.overlays.pop();
            carry_out(app, deed);
        }
    }
}

fn carry_out(app: &mut App, deed: Deed) {
    match deed {
        Deed::Back => {}
        Deed::Ask(asked, command) => {
            app.ask(asked, command);
        }
        Deed::AskAndWork(asked, command) => {
            app.focus.enter(Pane::Composer, app.now.mono);
            app.ask(asked, command);
        }
        Deed::Prompt(purpose) => app.overlays.push(Overlay::Prompt(Prompt::new(purpose, ""))),
    }
}
