//! Actions that mean the same anywhere.

use std::time::Duration;

use thymos_core::writ::Mode;
use thymos_protocol::{Command, VerifyProgress};

use crate::app::overlay::Choice;
use crate::app::{Action, App, Asked, Effect, Overlay, Pane, Screen, Verification};
use crate::theme::{BUILT_IN_NAMES, ThemeRequest, load};

use super::{composer, mode, transcript, usable};

/// How long the second press of an interrupt is waited for.
pub(super) const INTERRUPT_WAIT: Duration = Duration::from_secs(1);

/// Columns by which the right column grows or shrinks.
const COLUMN_STEP: i16 = 4;

/// Whether the action means something anywhere.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let mono = app.now.mono;
    match action {
        Action::ScreenWork => app.focus.go(Screen::Work, mono),
        Action::ScreenApprovals | Action::ApprovalsOpen => {
            app.focus.go(Screen::Approvals, mono);
            super::card::follow(app);
            app.ask(Asked::Holds, Command::Holds);
        }
        Action::ScreenLedger | Action::LedgerOpen => {
            app.focus.go(Screen::Ledger, mono);
            // The map shows other entries there.
            if app.inspector.wanted.is_some() {
                super::ledger::inspect(app);
            }
        }
        Action::ScreenMind => super::mind::enter(app),
        Action::ScreenRuns => {
            app.runs.rang();
            app.focus.go(Screen::Runs, mono);
            app.ask(Asked::Holds, Command::Holds);
        }
        Action::PaneNext | Action::PanePrevious => app.focus.other(mono),
        Action::PaneZoom => app.focus.zoomed = !app.focus.zoomed,
        Action::PaneWider => app.right_delta = (app.right_delta + COLUMN_STEP).min(40),
        Action::PaneNarrower => app.right_delta = (app.right_delta - COLUMN_STEP).max(-40),
        Action::ModePlan => mode::preview(app, Mode::Plan),
        Action::ModeEdit => mode::preview(app, Mode::Edit),
        Action::ModeAuto => mode::preview(app, Mode::Auto),
        Action::ModeShow => app.overlays.push(Overlay::Writ),
        Action::TrajectoryNew => {
            let mode = app
                .session
                .status()
                .map_or(Mode::Edit, |status| status.mode);
            app.ask(Asked::Open, Command::begin(mode));
        }
        Action::LedgerVerify => verify(app),
        Action::CopyLast => copy_last(app),
        Action::ThemeNext => next_theme(app),
        Action::MouseToggle => toggle_mouse(app),
        Action::RunInterrupt => interrupt(app),
        Action::ScreenRedraw => app.want(Effect::Redraw),
        Action::AppSuspend => app.want(Effect::Suspend),
        Action::AppQuit => quit(app),
        Action::FocusBack => back(app),
        Action::ComposerFocus => composer::focus(app),
        Action::TranscriptPageUp => transcript::page(app, -1),
        Action::TranscriptPageDown => transcript::page(app, 1),
        _ => return false,
    }
    true
}

/// One step back: zoom, then the screen's first pane, then Work. Never decides anything.
fn back(app: &mut App) {
    let mono = app.now.mono;
    let [first, _] = app.focus.screen().panes();
    if app.focus.zoomed {
        app.focus.zoomed = false;
    } else if app.focus.pane() != first {
        app.focus.enter(first, mono);
    } else {
        app.focus.enter(Pane::Composer, mono);
    }
}

/// Quits at once when nothing would be left behind, else asks.
pub(super) fn quit(app: &mut App) {
    let pending = app
        .session
        .status()
        .is_some_and(|status| status.pending > 0);
    if app.session.is_running() || pending || !app.queued.is_empty() {
        app.overlays.push(Overlay::Quit(Choice::Stay));
    } else {
        super::save_draft(app);
        app.want(Effect::Quit(0));
    }
}

/// The first press says what will stop, a second within a second does it.
fn interrupt(app: &mut App) {
    let Some(status) = app.session.status() else {
        return;
    };
    let Some(running) = &status.running else {
        usable::tell_why(app, Action::RunInterrupt);
        return;
    };
    let (trajectory, doing) = (status.trajectory, running.doing.clone());
    if app.interrupt_is_armed() {
        app.interrupt_until = None;
        app.ask(Asked::Interrupt, Command::Interrupt { trajectory });
        app.tell(format!("stopping: {doing}"));
    } else {
        app.interrupt_until = Some(app.now.mono + INTERRUPT_WAIT);
        app.tell(format!("press again within 1 s to stop: {doing}"));
    }
}

fn verify(app: &mut App) {
    if !matches!(app.verification, Verification::Running(_)) {
        app.verification = Verification::Running(VerifyProgress { done: 0, total: 0 });
        app.ask(Asked::Verify, Command::Verify { since_last: false });
        app.tell("verifying ..");
    }
}

fn copy_last(app: &mut App) {
    match usable::last_answer(app).map(str::to_owned) {
        Some(text) => app.want(Effect::Copy(text)),
        None => usable::tell_why(app, Action::CopyLast),
    }
}

fn next_theme(app: &mut App) {
    let at = BUILT_IN_NAMES
        .iter()
        .position(|name| *name == app.theme.name());
    let next = at.map_or(0, |at| (at + 1) % BUILT_IN_NAMES.len());
    if let Some(name) = BUILT_IN_NAMES.get(next) {
        app.theme = load::load(&ThemeRequest::built_in(name, app.theme.depth())).theme;
        app.tell(format!("theme {name}"));
    }
}

fn toggle_mouse(app: &mut App) {
    app.mouse = !app.mouse;
    app.want(Effect::Mouse(app.mouse));
    app.tell(if app.mouse {
        "mouse on; Shift-drag selects"
    } else {
        "mouse off"
    });
}
