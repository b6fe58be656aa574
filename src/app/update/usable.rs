//! Whether an action can be done here and now, and why not: told beside a command while it is typed, and when it is
//! asked for all the same. Judges by what the screen knows, and decides nothing.

use thymos_core::body::Role;

use super::past;
use crate::app::session::Item;
use crate::app::{Action, App, Verification};

/// Why an action can do nothing now; none where it can, or where only the kernel knows.
#[must_use]
pub fn why_not(app: &App, action: Action) -> Option<&'static str> {
    let (is_idle, why) = match action {
        Action::ModePlan
        | Action::ModeEdit
        | Action::ModeAuto
        | Action::SkillBind
        | Action::WritUse
        | Action::WritClose => (
            app.session.trajectory().is_none(),
            "no trajectory is open yet",
        ),
        Action::RunInterrupt => (!app.session.is_running(), "nothing runs"),
        Action::CopyLast => (last_answer(app).is_none(), "nothing to copy yet"),
        Action::TrajectoryUndo => (
            past::last_said(app).is_none(),
            "you have said nothing here yet, so there is nothing to undo",
        ),
        Action::TrajectoryBranch => (
            past::last_commit(app).is_none(),
            "no commit here yet; a branch starts from one",
        ),
        Action::LedgerVerify => (
            matches!(app.verification, Verification::Running(_)),
            "it is being verified",
        ),
        _ => return None,
    };
    is_idle.then_some(why)
}

/// The same of a verb of the program: one is at work at a time.
#[must_use]
pub fn why_no_verb(app: &App) -> Option<String> {
    let at_work = app.verb.as_ref()?;
    Some(format!("`{}` is still at work", at_work.line))
}

/// Tells why, where there is a reason.
pub(super) fn tell_why(app: &mut App, action: Action) {
    if let Some(why) = why_not(app, action) {
        app.tell(why);
    }
}

/// What the model said last.
pub(super) fn last_answer(app: &App) -> Option<&str> {
    let items = app.session.story().items().iter().rev();
    let mut said = items.filter_map(|item| match item {
        Item::Said(said) if said.role == Role::Model => Some(said.text.as_str()),
        Item::Said(_) | Item::Group(_) | Item::Notice(_) => None,
    });
    said.next()
}
