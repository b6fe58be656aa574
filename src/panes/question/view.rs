//! The question on cells: what it is about, then its answers, always in sight.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::theme::{Role, Theme};
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;

use super::state::Question;

/// Columns of a question at most.
const WIDTH: u16 = 100;

/// Rows below the body: a blank one, and the answers.
const FOOT: u16 = 2;

/// Lays out what is in view. `top` tells whether nothing lies over it.
pub(crate) fn prepare(question: &mut Question, theme: &Theme, area: Rect, top: bool) {
    let inner = body(chrome::inside(place(question, theme, area)), question);
    question.body.prepare(inner, theme, top);
}

/// Draws the question in the middle of the area.
pub(crate) fn draw(app: &App, question: &Question, area: Rect, buffer: &mut Buffer) {
    let hints = [
        ("Tab".to_owned(), "other answer"),
        ("Enter".to_owned(), "take it"),
        ("PgDn".to_owned(), "scroll"),
        ("Esc".to_owned(), "back"),
    ];
    let pane = chrome::Pane {
        title: &SafeText::line(&question.title),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let place = place(question, &app.theme, area);
    let inner = chrome::overlay(&pane, place, buffer, &app.theme);
    let text = body(inner, question);
    if question.waits.is_some() {
        let line = Line::styled(" asking ..", app.theme.style(Role::Muted));
        chrome::put_lines(&[line], inner, buffer);
    } else {
        question.body.draw(text, buffer, app);
    }
    let answers = answers(question, inner.width, &app.theme);
    let rows = u16::try_from(answers.len()).unwrap_or(1);
    let foot = Rect {
        y: inner.bottom().saturating_sub(rows),
        height: rows.min(inner.height),
        ..inner
    };
    chrome::put_lines(&answers, foot, buffer);
}

fn place(question: &Question, theme: &Theme, area: Rect) -> Rect {
    let margin = if area.width > 60 { 4 } else { 0 };
    let width = WIDTH.min(area.width.saturating_sub(margin));
    let columns = usize::from(width.saturating_sub(3));
    let most = usize::from(area.height);
    let rows = question.body.rows(columns, most, theme).max(1);
    let answers = answers(question, width.saturating_sub(2), theme).len();
    let height = u16::try_from(rows + answers + 3).unwrap_or(u16::MAX);
    chrome::centered(area, width, height.min(area.height))
}

fn body(inner: Rect, question: &Question) -> Rect {
    let answers = u16::try_from(question.answers().len()).unwrap_or(1);
    let foot = answers.saturating_add(FOOT - 1);
    Rect {
        height: inner.height.saturating_sub(foot).max(1).min(inner.height),
        ..inner
    }
}

/// One answer a row, so that none is ever cut off by another.
fn answers(question: &Question, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let one = |(at, words): (usize, &str)| {
        let (mark, role) = if at == question.chosen() {
            ("> ", Role::Selection)
        } else {
            ("  ", Role::Text)
        };
        let room = usize::from(width).saturating_sub(3);
        let mut spans = vec![Span::styled(mark, theme.style(role))];
        spans.extend(SafeText::line(words).shortened(room).spans(theme, role));
        Line::from(spans)
    };
    let answers = question.answers().iter();
    answers
        .map(|answer| answer.words.as_str())
        .enumerate()
        .map(one)
        .collect()
}
