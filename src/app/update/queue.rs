//! What the queue does with its actions: choose, open, turn the tab. Decides nothing.

use thymos_protocol::Settlement;

use crate::app::{Action, App, Effect, Overlay};
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};
use crate::panes::queue::{QueueRow, Tab};

use super::card;

/// Whether the queue took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let rows = app.queue.rows(&app.session);
    let at = app.queue.place(&rows);
    let to = match action {
        Action::ApprovalsBatch => {
            super::sign::open_batch(app);
            return true;
        }
        Action::QueueMark => {
            if let Some(row) = rows.get(at) {
                mark(app, row);
                app.queue.choose(&rows, at + 1);
                card::follow(app);
            }
            return true;
        }
        Action::QueueTab => {
            app.queue.turn();
            return true;
        }
        Action::ListOpen => {
            if let Some(row) = rows.get(at) {
                open(app, row);
            }
            return true;
        }
        Action::CopyItem => {
            if let Some(row) = rows.get(at) {
                app.want(Effect::Copy(row.line.clone()));
            }
            return true;
        }
        other => match super::moved(other, at) {
            Some(to) => to,
            None => return false,
        },
    };
    app.queue.choose(&rows, to);
    card::follow(app);
    true
}

fn open(app: &mut App, row: &QueueRow) {
    match app.queue.tab {
        Tab::Open => card::open(app, row.proposal),
        Tab::Decided => app.tell(format!("{}: {}", row.line, row.note)),
        Tab::Unsettled => settle(app, row),
    }
}

/// Marks an open hold for approving together with others, if its ceremony allows that.
fn mark(app: &mut App, row: &QueueRow) {
    if app.queue.tab != Tab::Open {
        return app.tell("only what is open can be approved; t shows it");
    }
    let holds = app.session.holds().iter();
    let mut holds = holds.filter(|hold| hold.card.proposal == row.proposal);
    match holds.next().map(super::sign::may_batch) {
        None => {}
        Some(Ok(())) => app.queue.mark(row.proposal),
        Some(Err(why)) => app.tell(why),
    }
}

/// Offers what a person can say about in-doubt work; none of it is chosen for them.
fn settle(app: &mut App, row: &QueueRow) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let choice = |text: &str, more: &str, settlement| PickerRow {
        choice: Choice::Settlement(trajectory, row.proposal, settlement),
        text: text.to_owned(),
        more: more.to_owned(),
        tail: String::new(),
        usable: true,
    };
    let rows = vec![
        choice(
            "nobody can tell",
            "recorded as given up",
            Settlement::GaveUp,
        ),
        choice("it happened", "its effect is there", Settlement::Happened),
        choice(
            "it did not happen",
            "there is no effect of it",
            Settlement::DidNotHappen,
        ),
    ];
    app.overlays
        .push(Overlay::Picker(Picker::new(Subject::Settlement, rows)));
}
