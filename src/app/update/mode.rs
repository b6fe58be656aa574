//! Modes: asked about first, shown as a difference, then issued. Never set by the screen alone.

use thymos_core::writ::Mode;
use thymos_protocol::Command;

use crate::app::{App, Asked};

/// Asks what a mode would change.
pub(super) fn preview(app: &mut App, mode: Mode) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    app.ask(
        Asked::ModePreview,
        Command::PreviewMode { trajectory, mode },
    );
}
