//! What text to read does with its actions: scroll, copy. Changes nothing.

use crate::app::{Action, App, Effect, Overlay};

/// Takes an action; text to read takes all there are.
pub(super) fn act(app: &mut App, action: Action) {
    let Some(Overlay::Reader(reader)) = app.overlays.last_mut() else {
        return;
    };
    let list = &mut reader.list;
    match action {
        Action::ListDown => list.scroll(1),
        Action::ListUp => list.scroll(-1),
        Action::ListFirst => list.go_to_start(),
        Action::ListLast => list.go_to_end(),
        Action::ListHalfDown => list.scroll_halves(1),
        Action::ListHalfUp => list.scroll_halves(-1),
        Action::ListPageDown => list.scroll_halves(2),
        Action::ListPageUp => list.scroll_halves(-2),
        Action::CopyItem => {
            let text = reader.text();
            app.want(Effect::Copy(text));
        }
        _ => {}
    }
}
