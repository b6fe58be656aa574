//! The status line and the which-key list on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::app::App;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;

/// What stands before a hint.
const HINT: &str = "  hint: ";

/// Rows of the which-key list at most.
const WHICH_KEY_ROWS_MAX: u16 = 10;

/// Columns of one entry of the which-key list.
const WHICH_KEY_COLUMNS: u16 = 38;

/// Draws the line over the footer; `false` when there is nothing to tell.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> bool {
    let mut spans = Vec::new();
    if !app.chord().is_empty() {
        let keys: Vec<String> = app.chord().iter().map(ToString::to_string).collect();
        spans.push(Span::styled(
            format!("{} ..", keys.join(" ")),
            app.theme.style(Role::Key),
        ));
    } else if let Some(notice) = &app.notice {
        let role = if notice.bad {
            Role::Danger
        } else {
            Role::Strong
        };
        let mark = if notice.bad { "! " } else { "" };
        spans.push(Span::styled(mark, app.theme.style(role)));
        // What does not fit says that there is more.
        let mut room = usize::from(area.width).saturating_sub(mark.len());
        let line = SafeText::line(&notice.line).shortened(room);
        room = room.saturating_sub(line.width());
        spans.extend(line.spans(&app.theme, role));
        if let Some(hint) = notice.hint.as_ref().filter(|_| room > 2 * HINT.len()) {
            spans.push(Span::styled(HINT, app.theme.style(Role::Muted)));
            let hint = SafeText::line(hint).shortened(room - HINT.len());
            spans.extend(hint.spans(&app.theme, Role::Text));
        }
    }
    if spans.is_empty() {
        return false;
    }
    Clear.render(area, buffer);
    buffer.set_style(area, app.theme.style(Role::Footer));
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
    true
}

/// Draws what the chord may still become, above the footer.
pub(crate) fn which_key(app: &App, above: Rect, buffer: &mut Buffer) {
    if !app.shows_which_key() {
        return;
    }
    let rows = app.keymap.completions(app.context(), app.chord());
    let columns = (above.width / WHICH_KEY_COLUMNS).max(1);
    let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let height = count
        .div_ceil(columns)
        .min(WHICH_KEY_ROWS_MAX)
        .min(above.height);
    let area = Rect {
        y: above.bottom() - height,
        height,
        ..above
    };
    Clear.render(area, buffer);
    chrome::background(area, buffer, &app.theme);
    for (at, binding) in rows.iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        let (column, row) = (at / height.max(1), at % height.max(1));
        let x = area
            .x
            .saturating_add(column.saturating_mul(WHICH_KEY_COLUMNS));
        if x >= area.right() {
            break;
        }
        let rest: Vec<String> = binding
            .on
            .keys()
            .iter()
            .skip(app.chord().len())
            .map(ToString::to_string)
            .collect();
        let line = Line::from(vec![
            Span::styled(
                format!(" {:<6}", rest.join(" ")),
                app.theme.style(Role::Key),
            ),
            Span::styled(binding.desc.clone(), app.theme.style(Role::Text)),
        ]);
        buffer.set_line(
            x,
            area.y + row,
            &line,
            WHICH_KEY_COLUMNS.min(area.right() - x),
        );
    }
}
