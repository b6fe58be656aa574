//! The bottom row on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Action, App};
use crate::keymap::Context;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::key_hint::shortest;
use crate::ui::width::columns;

/// Draws the row.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, app.theme.style(Role::Footer));
    let right = right(app);
    let room = usize::from(area.width).saturating_sub(columns(&right) + 2);
    let line = chrome::hints(&hints(app), room, &app.theme);
    buffer.set_line(area.x, area.y, &line, area.width);
    let width = u16::try_from(columns(&right)).unwrap_or(0);
    if width < area.width / 2 {
        buffer.set_string(
            area.right() - width,
            area.y,
            right,
            app.theme.style(Role::Footer),
        );
    }
}

fn right(app: &App) -> String {
    let mouse = if app.mouse {
        "Shift-drag selects"
    } else {
        "mouse off"
    };
    let busy = if app.busy { "kernel busy  " } else { "" };
    format!("{busy}{}  {mouse}", app.profile)
}

/// What is worth knowing where the focus is, each with the first key that reaches it.
fn hints(app: &App) -> Vec<(String, &'static str)> {
    let context = app.context();
    let wanted = wanted(context);
    let works = |action: Action| match action {
        Action::RunInterrupt => app.session.is_running(),
        Action::ApprovalsApprove | Action::ApprovalsScope | Action::ApprovalsDeny => {
            app.card.may_change().is_ok()
        }
        _ => true,
    };
    wanted
        .iter()
        .filter(|(action, _)| works(*action))
        .filter_map(|(action, words)| Some((shortest(&app.keymap, action.id(), context)?, *words)))
        .collect()
}

/// What is worth knowing in a pane.
fn wanted(context: Context) -> &'static [(Action, &'static str)] {
    match context {
        Context::Composer => &[
            (Action::HelpOpen, "help"),
            (Action::ApprovalsOpen, "approvals"),
            (Action::LedgerOpen, "ledger"),
            (Action::RunInterrupt, "interrupt"),
            (Action::AppQuit, "quit"),
        ],
        Context::Transcript => &[
            (Action::ListDown, "next"),
            (Action::ListUp, "previous"),
            (Action::ListOpen, "open"),
            (Action::ListLast, "follow"),
            (Action::CopyItem, "copy"),
            (Action::FocusBack, "composer"),
        ],
        Context::Queue => &[
            (Action::ListOpen, "open card"),
            (Action::ListDown, "next"),
            (Action::QueueTab, "tabs"),
            (Action::FocusBack, "back"),
        ],
        Context::Card => &[
            (Action::ApprovalsApprove, "approve once"),
            (Action::ApprovalsScope, "with scope"),
            (Action::ApprovalsDeny, "deny"),
            (Action::ApprovalsView, "view all"),
            (Action::ApprovalsTrace, "trace"),
            (Action::FocusBack, "back, no decision"),
        ],
        Context::Ledger => &[
            (Action::ListOpen, "inspect"),
            (Action::LedgerFilter, "filter"),
            (Action::LedgerVerify, "verify"),
            (Action::LedgerReplay, "world here"),
            (Action::LedgerFollow, "follow"),
            (Action::FocusBack, "back"),
        ],
        Context::Authority => &[
            (Action::ListOpen, "read"),
            (Action::AuthorityTab, "tab"),
            (Action::WritRevoke, "revoke"),
            (Action::ModePick, "modes"),
            (Action::PolicyReload, "reload"),
            (Action::PolicySimulate, "simulate"),
            (Action::FocusBack, "back"),
        ],
        Context::Runs => &[
            (Action::ListOpen, "open"),
            (Action::ListDown, "next"),
            (Action::RunsStop, "stop it"),
            (Action::PaneNext, "read"),
            (Action::FocusBack, "back"),
        ],
        Context::Mind => &[
            (Action::ListOpen, "inspect"),
            (Action::MindRight, "stage"),
            (Action::ListDown, "row"),
            (Action::MindShow, "show"),
            (Action::SearchOpen, "search"),
            (Action::FocusBack, "back"),
        ],
        Context::Inspector => &[
            (Action::InspectorNext, "next tab"),
            (Action::ListDown, "down"),
            (Action::FocusBack, "back"),
        ],
        other => over_the_screen(other),
    }
}

/// What is worth knowing in what lies over a screen.
fn over_the_screen(context: Context) -> &'static [(Action, &'static str)] {
    match context {
        Context::Mention => &[
            (Action::MentionComplete, "take this one"),
            (Action::MentionUp, "previous"),
            (Action::MentionDown, "next"),
            (Action::FocusBack, "close"),
        ],
        Context::Sign => &[
            (Action::ListDown, "down"),
            (Action::SignTurn, "change"),
            (Action::SignApprove, "approve"),
            (Action::FocusBack, "back, no decision"),
        ],
        Context::Dialog => &[
            (Action::DialogAccept, "take it"),
            (Action::FocusBack, "back"),
        ],
        Context::Picker => &[
            (Action::PickerDown, "next"),
            (Action::PickerAccept, "choose"),
            (Action::FocusBack, "back"),
        ],
        Context::Prompt => &[(Action::PromptAccept, "done"), (Action::FocusBack, "back")],
        Context::Help => &[(Action::ListDown, "down"), (Action::FocusBack, "back")],
        _ => &[(Action::HelpOpen, "help")],
    }
}
