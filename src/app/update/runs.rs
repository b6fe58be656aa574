//! What the runs screen does with its actions: choose, open, stop.

use thymos_protocol::Command;

use crate::app::{Action, App, Asked, Effect, Overlay, Pane, Screen};
use crate::panes::question::{Deed, Question};
use crate::panes::reader::Said;
use crate::panes::runs::view::name;
use crate::theme::Role;

/// Whether the screen took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let open = app.session.trajectory();
    match action {
        Action::RunsStop => {
            stop(app);
            return true;
        }
        Action::CopyItem if app.focus.pane() == Pane::Runs => {
            let id = app.runs.row(open).map(|row| row.run.trajectory);
            if let Some(id) = id {
                app.want(Effect::Copy(id.to_string()));
            }
            return true;
        }
        Action::CopyItem => {
            let text = app.runs.details.text();
            app.want(Effect::Copy(text));
            return true;
        }
        _ if app.focus.pane() == Pane::Run => return app.runs.details.act(action),
        _ => {}
    }
    let at = app.runs.place(open);
    let to = match action {
        Action::ListOpen => {
            open_chosen(app);
            return true;
        }
        other => match super::moved(other, at) {
            Some(to) => to,
            None => return false,
        },
    };
    app.runs.choose(to);
    true
}

/// After any event: asks for the runs when they are in sight and may be old.
pub(super) fn settle(app: &mut App) {
    if app.focus.screen() == Screen::Runs && app.runs.wants() {
        app.ask(Asked::Runs, Command::Runs);
    }
}

/// Opens the chosen one, where its story is told.
fn open_chosen(app: &mut App) {
    let here = app.session.trajectory();
    let Some(row) = app.runs.row(here) else {
        return;
    };
    let trajectory = row.run.trajectory;
    app.focus.enter(Pane::Composer, app.now.mono);
    if here != Some(trajectory) {
        app.ask(Asked::Open, Command::Open { trajectory });
    }
}

/// Asks before stopping one: what stops, what stays.
fn stop(app: &mut App) {
    let Some(row) = app.runs.row(app.session.trajectory()) else {
        return app.tell("no run is chosen");
    };
    let run = &row.run;
    if run.state == "idle" || run.state.starts_with("closed") {
        let line = format!("nothing runs in t-{}", run.trajectory.short());
        return app.tell(line);
    }
    let trajectory = run.trajectory;
    let mut lines = vec![
        Said::labelled("run     ", Role::Text, name(run).to_owned()),
        Said::labelled("state   ", Role::Text, run.state.clone()),
        Said::words(
            Role::Text,
            "Its call is stopped and sealed as cancelled; nothing new is started.",
        ),
    ];
    if run.pending > 0 {
        let text = format!("{} holds of it stay open.", run.pending);
        lines.push(Said::words(Role::Text, text));
    }
    let below = app.runs.below(trajectory);
    let busy = below.into_iter().filter(|child| child.is_busy());
    lines.extend(busy.map(|child| {
        let text = format!("t-{} {}", child.trajectory.short(), name(child));
        Said::labelled("below it, running: ", Role::Warn, text)
    }));
    let title = format!("stop run t-{}?", trajectory.short());
    let told = format!("stopping t-{}", trajectory.short());
    let question = Question::new(title, lines, "let it run").or(
        "stop it",
        Deed::Ask(Asked::Told(told), Command::Interrupt { trajectory }),
    );
    app.overlays.push(Overlay::Question(Box::new(question)));
}
