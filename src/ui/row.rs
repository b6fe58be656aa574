//! One row of a list: a name at the left, more of it muted, a word at the right.
//!
//! What does not fit is shortened, the middle first. Knows no pane.

use ratatui::text::{Line, Span};

use super::safe_text::SafeText;
use crate::theme::{Role, Theme};

/// What stands in a row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Our own marks before the name, such as the branch of a tree.
    pub lead: String,
    /// What it is.
    pub text: SafeText,
    /// More about it.
    pub more: SafeText,
    /// At the right.
    pub tail: SafeText,
}

/// How a row is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowStyle {
    /// What the name says.
    pub text: Role,
    /// What the word at the right says.
    pub tail: Role,
    /// Whether it is the chosen row.
    pub chosen: bool,
    /// Whether the list has the focus.
    pub focused: bool,
}

/// A row in so many columns. A mark tells the chosen one, colour or not.
#[must_use]
pub fn line(row: &Row, style: RowStyle, width: usize, theme: &Theme) -> Line<'static> {
    let role = |role| {
        if style.chosen && style.focused {
            Role::Selection
        } else {
            role
        }
    };
    let mark = if style.chosen { "> " } else { "  " };
    let lead = format!("{mark}{}", row.lead);
    let tail = row.tail.shortened(width / 2);
    let room = width.saturating_sub(super::width::columns(&lead) + tail.width() + 1);
    let text = row.text.shortened(room);
    let left = room.saturating_sub(text.width() + 2);
    let more = row.more.shortened(if left < 6 { 0 } else { left });
    let between = if more.width() > 0 { 2 } else { 0 };
    let gap = room.saturating_sub(text.width() + between + more.width()) + 1;
    let style_of = |wanted| theme.style(role(wanted));
    let mut spans = vec![Span::styled(lead, style_of(Role::Muted))];
    spans.extend(text.spans_styled(theme, style_of(style.text)));
    spans.push(Span::styled(" ".repeat(between), style_of(Role::Text)));
    spans.extend(more.spans_styled(theme, style_of(Role::Muted)));
    spans.push(Span::styled(" ".repeat(gap), style_of(Role::Text)));
    spans.extend(tail.spans_styled(theme, style_of(style.tail)));
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: usize) -> String {
        let row = Row {
            lead: "`- ".into(),
            text: SafeText::line("edit 32bf21a2"),
            more: SafeText::line("up to write, by ada"),
            tail: SafeText::line("in force"),
        };
        let style = RowStyle {
            text: Role::Text,
            tail: Role::Ok,
            chosen: true,
            focused: true,
        };
        line(&row, style, width, &Theme::mono()).to_string()
    }

    #[test]
    fn the_middle_gives_way_first() {
        assert_eq!(
            shown(50),
            "> `- edit 32bf21a2  up to write, by ada   in force"
        );
        assert_eq!(shown(40), "> `- edit 32bf21a2  up to wri.. in force");
        assert_eq!(shown(30), "> `- edit 32bf21a2    in force");
        assert_eq!(shown(20), "> `- edit.. in force");
    }
}
