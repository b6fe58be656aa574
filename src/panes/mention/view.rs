//! What can be named, in a list above the composer. The caret stays in the composer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::app::{Action, App};
use crate::keymap::Context;
use crate::panes::composer::caret_row;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::key_hint::shortest;
use crate::ui::layout;
use crate::ui::safe_text::SafeText;

use super::{Mention, Row, Standing, Wish};

/// Rows shown at once.
const ROWS_MAX: u16 = 8;

/// Columns of the list at most.
const WIDTH_MAX: u16 = 100;

/// Rows from which on there is room for a border.
const BORDERED_ROWS: u16 = 7;

/// Draws the list, if something is being named where it can be seen.
pub(crate) fn draw(app: &App, composer: Rect, buffer: &mut Buffer) {
    let Some(mention) = app.mention.as_ref().filter(|_| app.overlays.is_empty()) else {
        return;
    };
    let place = place(app, composer, mention);
    if place.height == 0 || place.width < 4 {
        return;
    }
    Clear.render(place, buffer);
    chrome::background(place, buffer, &app.theme);
    let about = about(mention);
    let inner = match place.height >= BORDERED_ROWS.min(wanted(mention) + 2) {
        true => {
            let hints = hints(app, mention);
            let pane = chrome::Pane {
                title: &about,
                hints: &hints,
                // The caret, and so the focus, is in the composer.
                focused: false,
                glyphs: app.glyphs,
            };
            chrome::overlay(&pane, place, buffer, &app.theme)
        }
        false => {
            let line = about
                .shortened(usize::from(place.width))
                .to_line(&app.theme, Role::Muted);
            buffer.set_line(place.x, place.y, &line, place.width);
            Rect {
                y: place.y + 1,
                height: place.height - 1,
                ..place
            }
        }
    };
    chrome::put_lines(&rows(app, mention, inner), inner, buffer);
}

fn wanted(mention: &Mention) -> u16 {
    let rows = u16::try_from(mention.rows().len()).unwrap_or(ROWS_MAX);
    rows.clamp(1, ROWS_MAX)
}

/// Above the composer; inside of it where it has the whole screen.
fn place(app: &App, composer: Rect, mention: &Mention) -> Rect {
    let body = layout::around(app).body;
    let above = composer.y.saturating_sub(body.y);
    let tall = wanted(mention) + 2;
    let (y, height) = if above >= composer.height {
        let height = tall.min(above);
        (composer.y - height, height)
    } else {
        // Beside the line that is written, where there is more room.
        let caret = caret_row(app, composer);
        let before = caret.saturating_sub(composer.y);
        let behind = composer.bottom().saturating_sub(caret + 1);
        match behind >= before {
            true => (caret + 1, tall.min(behind)),
            false => (caret - tall.min(before), tall.min(before)),
        }
    };
    Rect {
        x: composer.x,
        y,
        width: composer.width.min(WIDTH_MAX),
        height,
    }
}

/// What is looked for and what came of it. Never a row: it is our own words and numbers.
fn about(mention: &Mention) -> SafeText {
    let what = match mention.wish() {
        Wish::Files(_) => "files",
        Wish::Entries(_) => "entries",
    };
    SafeText::line(&match &mention.standing {
        Standing::Asking => format!("looking for {what} .."),
        Standing::Here => mention.told.clone(),
        Standing::Failed(why) => format!("no {what}: {why}"),
    })
}

fn hints(app: &App, mention: &Mention) -> Vec<(String, &'static str)> {
    let key = |action: Action| shortest(&app.keymap, action.id(), Context::Mention);
    let take = key(Action::MentionComplete).filter(|_| !mention.rows().is_empty());
    let hash = matches!(mention.wish(), Wish::Files(_)).then(|| "#".to_owned());
    let rows = [
        (take, "take this one"),
        (key(Action::FocusBack), "close"),
        (hash, "entries of the ledger"),
    ];
    rows.into_iter()
        .filter_map(|(key, words)| Some((key?, words)))
        .collect()
}

fn rows(app: &App, mention: &Mention, inner: Rect) -> Vec<Line<'static>> {
    if mention.rows().is_empty() {
        let text = match mention.standing {
            Standing::Asking => "  ..",
            Standing::Here if mention.typed.is_empty() => "  there are none",
            Standing::Here => "  nothing fits; Enter sends what is written",
            Standing::Failed(_) => "  Enter sends what is written",
        };
        let line = SafeText::line(text).shortened(usize::from(inner.width));
        return vec![line.to_line(&app.theme, Role::Muted)];
    }
    let height = usize::from(inner.height);
    let first = (mention.selected() + 1).saturating_sub(height);
    let shown = mention.rows().iter().enumerate().skip(first).take(height);
    shown
        .map(|(at, row)| one(app, row, at == mention.selected(), usize::from(inner.width)))
        .collect()
}

fn one(app: &App, row: &Row, selected: bool, width: usize) -> Line<'static> {
    let (main, muted, key) = match selected {
        true => (Role::Selection, Role::Selection, Role::Selection),
        false => (Role::Text, Role::Muted, Role::Key),
    };
    let mark = if selected { "> " } else { "  " };
    let room = width.saturating_sub(2);
    let parts = match row {
        Row::File(path) => vec![(ended(path, room), main)],
        Row::Entry(entry) => vec![
            (SafeText::line(&format!("#{}  ", entry.seq)), key),
            (SafeText::line(&format!("{}  ", entry.kind)), muted),
            (SafeText::line(&entry.words), main),
        ],
    };
    let mut spans = vec![Span::styled(mark, app.theme.style(main))];
    let mut left = room;
    for (text, role) in parts {
        let text = text.shortened(left);
        left -= text.width().min(left);
        spans.extend(text.spans(&app.theme, role));
    }
    spans.push(Span::styled(" ".repeat(left), app.theme.style(main)));
    Line::from(spans)
}

/// A path of which the end is seen where it is too long: that is where the file's own name stands.
fn ended(path: &str, width: usize) -> SafeText {
    let whole = SafeText::path(path);
    if whole.width() <= width {
        return whole;
    }
    // No more characters than columns are worth a look.
    let passed = path.chars().count().saturating_sub(width);
    let starts = path.char_indices().map(|(at, _)| at).skip(passed);
    let mut ends = starts.map(|at| SafeText::path(path.get(at..).unwrap_or_default()));
    let end = ends
        .find(|end| end.width() + 2 <= width)
        .unwrap_or_default();
    let mut short = SafeText::line("..");
    short.append(end);
    short
}
