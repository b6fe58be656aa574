//! What the transcript does with its actions: scroll, select, fold, copy.

use crate::app::session::Item;
use crate::app::{Action, App, Effect};

/// Whether the transcript took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    match action {
        Action::ListDown => app.conversation.select(&app.session, 1),
        Action::ListUp => app.conversation.select(&app.session, -1),
        Action::ListFirst => app.conversation.first(&app.session),
        Action::ListLast => app.conversation.follow(),
        Action::ListHalfDown => app.conversation.scroll_halves(1),
        Action::ListHalfUp => app.conversation.scroll_halves(-1),
        Action::ListPageDown => page(app, 1),
        Action::ListPageUp => page(app, -1),
        Action::ListOpen | Action::ListFold => app.conversation.toggle(&app.session),
        Action::TranscriptTurnNext => app.conversation.turn(&app.session, 1),
        Action::TranscriptTurnPrevious => app.conversation.turn(&app.session, -1),
        Action::CopyItem => copy(app),
        _ => return false,
    }
    true
}

/// Scrolls by rows, up is negative.
pub(super) fn scroll(app: &mut App, rows: i32) {
    app.conversation.scroll(rows.into());
}

/// Scrolls by screens.
pub(super) fn page(app: &mut App, screens: i64) {
    app.conversation.scroll_halves(screens * 2);
}

fn copy(app: &mut App) {
    let Some(item) = app.conversation.selected(&app.session) else {
        return;
    };
    let text = match item {
        Item::Said(said) => said.text.clone(),
        Item::Group(group) => group.line.clone(),
        Item::Notice(notice) => notice.line.clone(),
    };
    app.want(Effect::Copy(text));
}
