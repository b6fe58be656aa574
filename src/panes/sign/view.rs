//! What is to be signed, on cells: what can be chosen, what it comes to, what is in the way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::theme::{Role, Theme};
use crate::ui::chrome;
use crate::ui::safe_text::SafeText;

use super::scope::Scope;
use super::state::{Sign, SignKind};

/// Columns at most.
const WIDTH: u16 = 110;

/// Columns of a field's name.
const LABEL: usize = 11;

/// Rows of fields at most; those around the one that hears keys are shown.
const FIELDS_MAX: usize = 8;

/// Lays out what is in view. `top` tells whether nothing lies over it.
pub(crate) fn prepare(sign: &mut Sign, theme: &Theme, area: Rect, top: bool) {
    let (_, body, _) = parts(sign, chrome::inside(place(area)));
    sign.body.prepare(body, theme, top);
}

/// Draws it over the screen.
pub(crate) fn draw(app: &App, sign: &Sign, area: Rect, buffer: &mut Buffer) {
    let (title, hints): (String, &[(&str, &'static str)]) = match &sign.kind {
        SignKind::Scope(scope) => {
            let id = scope.row.card.proposal;
            let number = app.session.number(id).unwrap_or_default();
            let title = format!("approve #{number} with scope: {}", scope.row.card.tool);
            let hints = &[
                ("j/k", "field"),
                ("Space", "change"),
                ("PgDn", "read"),
                ("Esc", "back, no decision"),
            ];
            (title, hints)
        }
        SignKind::Batch(rows) => {
            let title = format!("approve {} calls, each once", rows.len());
            (title, &[("j/k", "read"), ("Esc", "back, no decision")])
        }
    };
    let hints: Vec<(String, &'static str)> = hints
        .iter()
        .map(|(key, words)| ((*key).to_owned(), *words))
        .collect();
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: &hints,
        focused: true,
        glyphs: app.glyphs,
    };
    let inner = chrome::overlay(&pane, place(area), buffer, &app.theme);
    let (fields, body, foot) = parts(sign, inner);
    if let SignKind::Scope(scope) = &sign.kind {
        let rows = field_rows(scope, fields, &app.theme);
        chrome::put_lines(&rows, fields, buffer);
    }
    sign.body.draw(body, buffer, app);
    chrome::put_lines(&[state(app, sign)], foot, buffer);
}

fn place(area: Rect) -> Rect {
    let margin = if area.width > 60 { 4 } else { 0 };
    let width = WIDTH.min(area.width.saturating_sub(margin));
    chrome::centered(area, width, area.height.saturating_sub(margin / 4))
}

/// Fields, what is signed, and the row that says what can be done.
fn parts(sign: &Sign, inner: Rect) -> (Rect, Rect, Rect) {
    let wanted = match &sign.kind {
        SignKind::Scope(scope) => scope.fields().len().min(FIELDS_MAX) + 1,
        SignKind::Batch(_) => 0,
    };
    let most = inner.height / 2;
    let rows = u16::try_from(wanted).unwrap_or(most).min(most);
    let foot = u16::from(inner.height > 2);
    let fields = Rect {
        height: rows,
        ..inner
    };
    let body = Rect {
        y: inner.y + rows,
        height: inner.height - rows - foot,
        ..inner
    };
    let foot = Rect {
        y: body.bottom(),
        height: foot,
        ..inner
    };
    (fields, body, foot)
}

fn field_rows(scope: &Scope, area: Rect, theme: &Theme) -> Vec<Line<'static>> {
    let height = usize::from(area.height.saturating_sub(1)).max(1);
    let first = (scope.at() + 1).saturating_sub(height);
    let width = usize::from(area.width);
    scope
        .fields()
        .into_iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(at, field)| {
            let (name, chosen) = scope.told(field);
            let (mark, role) = if at == scope.at() {
                ("> ", Role::Selection)
            } else {
                ("  ", Role::Text)
            };
            let head = format!("{mark}{name:<LABEL$}");
            let room = width.saturating_sub(head.len() + 1);
            let mut spans = vec![Span::styled(head, theme.style(role))];
            spans.extend(SafeText::exact(&chosen).shortened(room).spans(theme, role));
            Line::from(spans)
        })
        .collect()
}

/// What can be done, or what is in the way. Nothing is signed by Enter.
fn state(app: &App, sign: &Sign) -> Line<'static> {
    let style = |role| app.theme.style(role);
    match sign.may(app.now.mono) {
        Ok(()) => {
            let words = match &sign.kind {
                SignKind::Scope(_) => " approve, and sign this writ".to_owned(),
                SignKind::Batch(rows) => format!(" approve all {}", rows.len()),
            };
            Line::from(vec![
                Span::styled("a", style(Role::Key)),
                Span::styled(words, style(Role::Text)),
            ])
        }
        Err(why) => SafeText::line(&why).to_line(&app.theme, Role::Warn),
    }
}
