//! What the inspector does with its actions: tabs, scrolling, copying.

use crate::app::{Action, App, Effect};

/// Whether the inspector took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let inspector = &mut app.inspector;
    match action {
        Action::InspectorNext => inspector.turn(true),
        Action::InspectorPrevious => inspector.turn(false),
        Action::ListDown => inspector.scroll(1),
        Action::ListUp => inspector.scroll(-1),
        Action::ListFirst => inspector.first(),
        Action::ListLast => inspector.last(),
        Action::ListHalfDown => inspector.scroll_halves(1),
        Action::ListHalfUp => inspector.scroll_halves(-1),
        Action::ListPageDown => inspector.scroll_halves(2),
        Action::ListPageUp => inspector.scroll_halves(-2),
        Action::CopyItem => {
            let text = inspector.text();
            app.want(Effect::Copy(text));
        }
        Action::CopyJson => {
            let detail = inspector.detail().map(serde_json::to_string);
            if let Some(Ok(text)) = detail {
                app.want(Effect::Copy(text));
            }
        }
        _ => return false,
    }
    true
}
