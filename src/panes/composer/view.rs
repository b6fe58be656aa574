//! The prompt editor on cells: wrapped rows, the real caret, queued messages, slash commands.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::app::action::{commands_starting, slash};
use crate::app::{App, Pane, why_no_verb, why_not};
use crate::keymap::Context;
use crate::theme::Role;
use crate::ui::chrome;
use crate::ui::key_hint::shortest;
use crate::ui::safe_text::SafeText;
use crate::ui::width::columns;

/// Rows of text before the editor scrolls.
const ROWS_MAX: usize = 6;

/// Slash commands listed at once.
const COMMANDS_SHOWN_MAX: usize = 8;

/// Rows the text takes at a width, at least one and at most a few; borders not counted.
pub(crate) fn rows(app: &App, width: u16) -> u16 {
    let inner = usize::from(width.saturating_sub(4)).max(1);
    let tall = usize::from(app.size.height) * 2 / 5;
    let rows = laid(app, inner)
        .rows
        .len()
        .clamp(1, ROWS_MAX.min(tall.max(1)));
    u16::try_from(rows).unwrap_or(1)
}

/// Draws the editor; without a border when there is no room for one.
pub(crate) fn draw(app: &App, area: Rect, frame: &mut Frame<'_>) {
    let focused = app.focus.pane() == Pane::Composer && app.overlays.is_empty();
    let title = match app.queued.len() {
        0 => "message".to_owned(),
        count => format!("message, {count} queued"),
    };
    let inner = inner(area);
    if is_bordered(area) {
        let hints = hints(app);
        let pane = chrome::Pane {
            title: &SafeText::line(&title),
            hints: &hints,
            focused,
            glyphs: app.glyphs,
        };
        chrome::pane(&pane, area, frame.buffer_mut(), &app.theme);
    } else {
        frame
            .buffer_mut()
            .set_string(area.x, area.y, ">", app.theme.style(Role::Accent));
    }
    text(app, inner, focused, frame);
    commands(app, area, frame);
}

fn is_bordered(area: Rect) -> bool {
    area.height >= 3
}

/// Where the text stands.
fn inner(area: Rect) -> Rect {
    if !is_bordered(area) {
        return Rect {
            x: area.x.saturating_add(2),
            width: area.width.saturating_sub(2),
            ..area
        };
    }
    let inside = chrome::inside(area);
    Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    }
}

/// The row of the screen in which the caret stands.
pub(crate) fn caret_row(app: &App, area: Rect) -> u16 {
    let inner = inner(area);
    let laid = laid(app, usize::from(inner.width).max(1));
    let seen = laid.caret.0 - laid.first(inner.height);
    inner
        .y
        .saturating_add(u16::try_from(seen).unwrap_or(u16::MAX))
}

fn hints(app: &App) -> Vec<(String, &'static str)> {
    let running = app.session.is_running();
    let key = |id| shortest(&app.keymap, id, Context::Composer);
    let rows = [
        (key("composer.send"), if running { "steer" } else { "send" }),
        (key("composer.queue").filter(|_| running), "queue"),
        (key("composer.newline"), "newline"),
        (Some("/".to_owned()), "command"),
        (Some("@".to_owned()), "file"),
    ];
    rows.into_iter()
        .filter_map(|(key, words)| Some((key?, words)))
        .collect()
}

struct Laid {
    rows: Vec<String>,
    caret: (usize, usize),
}

impl Laid {
    /// The first row that is shown of so many.
    fn first(&self, height: u16) -> usize {
        (self.caret.0 + 1).saturating_sub(usize::from(height))
    }
}

/// The text broken between graphemes, and the caret's row and column.
fn laid(app: &App, width: usize) -> Laid {
    let (caret_line, caret_chars) = app.composer.caret();
    let mut laid = Laid {
        rows: Vec::new(),
        caret: (0, 0),
    };
    for (at, line) in app.composer.lines().iter().enumerate() {
        let mut row = String::new();
        let (mut used, mut chars) = (0, 0);
        for cluster in line.graphemes(true) {
            let safe = SafeText::line(cluster).shown();
            let wide = columns(&safe);
            if used + wide > width && used > 0 {
                laid.rows.push(std::mem::take(&mut row));
                used = 0;
            }
            if at == caret_line && chars == caret_chars {
                laid.caret = (laid.rows.len(), used);
            }
            row.push_str(&safe);
            used += wide;
            chars += cluster.chars().count();
        }
        if at == caret_line && chars <= caret_chars {
            if used >= width {
                laid.rows.push(std::mem::take(&mut row));
                used = 0;
            }
            laid.caret = (laid.rows.len(), used);
        }
        laid.rows.push(row);
    }
    laid
}

fn text(app: &App, area: Rect, focused: bool, frame: &mut Frame<'_>) {
    let laid = laid(app, usize::from(area.width).max(1));
    let height = usize::from(area.height);
    let first = laid.first(area.height);
    let style = app.theme.style(Role::Text);
    for (row, y) in laid.rows.iter().skip(first).zip(area.y..area.bottom()) {
        frame.buffer_mut().set_string(area.x, y, row, style);
    }
    if app.composer.is_empty() && app.focus.pane() == Pane::Transcript {
        frame
            .buffer_mut()
            .set_string(area.x, area.y, "i writes", app.theme.style(Role::Muted));
    }
    if focused && height > 0 {
        let column = u16::try_from(laid.caret.1).unwrap_or(u16::MAX);
        let row = u16::try_from(laid.caret.0 - first).unwrap_or(u16::MAX);
        frame.set_cursor_position(Position {
            x: area
                .x
                .saturating_add(column)
                .min(area.right().saturating_sub(1)),
            y: area
                .y
                .saturating_add(row)
                .min(area.bottom().saturating_sub(1)),
        });
    }
}

/// The slash commands that what is written may become, above the editor.
fn commands(app: &App, area: Rect, frame: &mut Frame<'_>) {
    let text = app.composer.text();
    let covered = !app.overlays.is_empty() || app.mention.is_some();
    if !text.starts_with('/') || text.contains('\n') || covered {
        return;
    }
    let found: Vec<_> = commands_starting(&text).take(COMMANDS_SHOWN_MAX).collect();
    let height = u16::try_from(found.len()).unwrap_or(0).min(area.y);
    let list = Rect {
        x: area.x,
        y: area.y - height,
        width: area.width,
        height,
    };
    ratatui::widgets::Widget::render(ratatui::widgets::Clear, list, frame.buffer_mut());
    let lines: Vec<Line<'_>> = found
        .iter()
        .map(|(name, about)| one_command(app, name, about))
        .collect();
    chrome::put_lines(&lines, list, frame.buffer_mut());
}

/// A command with what it is for; one that can do nothing now is dimmed, and says why instead.
fn one_command(app: &App, name: &str, about: &'static str) -> Line<'static> {
    let why = match slash(&format!("/{name}")) {
        Some(action) => why_not(app, action).map(str::to_owned),
        None => why_no_verb(app),
    };
    let head = format!(" /{name:<14}");
    match why {
        Some(why) => {
            let text = SafeText::line(&format!("{head}not now: {why}"));
            text.to_line(&app.theme, Role::Muted)
        }
        None => Line::from(vec![
            Span::styled(head, app.theme.style(Role::Key)),
            Span::styled(about, app.theme.style(Role::Text)),
        ]),
    }
}
