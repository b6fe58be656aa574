//! The queue on cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::{App, Pane};
use crate::theme::Role;
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, scroll};

use super::state::{QueueRow, Tab, count};
use super::words;

/// Columns below which notes give way to calls.
const NARROW: usize = 60;

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let width = usize::from(area.width.saturating_sub(3));
    let height = usize::from(area.height.saturating_sub(2));
    let rows = app.queue.rows(&app.session);
    let place = app.queue.place(&rows);
    let lines = rows
        .iter()
        .enumerate()
        .map(|(at, row)| line(app, row, at == place, width))
        .collect();
    let view = Viewport {
        width,
        height,
        epoch: app.theme.epoch(),
    };
    app.queue.list.layout(&Rows(lines), view);
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let hints = [
        ("Enter".to_owned(), "open"),
        ("t".to_owned(), "tab"),
        ("Space".to_owned(), "mark"),
        ("A".to_owned(), "approve marked.."),
        ("Esc".to_owned(), "back"),
    ];
    let focused = app.focus.pane() == Pane::Queue;
    let pane = chrome::Pane {
        title: &SafeText::line(&title(app)),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if app.queue.list.extent().total == 0 {
        let line = Line::styled(nothing(app), app.theme.style(Role::Muted));
        chrome::put_lines(&[line], inner, buffer);
        return;
    }
    scroll::list(&app.queue.list, inner, buffer, &app.theme, app.glyphs);
}

fn title(app: &App) -> String {
    let part = |tab: Tab, word: &str| {
        let text = format!("{word} {}", count(&app.session, tab));
        if app.queue.tab == tab {
            format!("[{text}]")
        } else {
            text
        }
    };
    format!(
        "{} {} {}",
        part(Tab::Open, "open"),
        part(Tab::Decided, "decided"),
        part(Tab::Unsettled, "unsettled")
    )
}

fn nothing(app: &App) -> String {
    let status = app.session.status();
    let in_doubt = status.map_or(0, |status| status.in_doubt);
    let elsewhere = status.map_or(0, |status| status.in_doubt_elsewhere);
    match app.queue.tab {
        Tab::Open => "nothing waits for a decision".into(),
        Tab::Decided => "nothing was decided in what is loaded of this trajectory".into(),
        Tab::Unsettled if in_doubt > 0 => {
            format!("{in_doubt} in older entries; scroll the transcript up to load them")
        }
        Tab::Unsettled if elsewhere > 0 => {
            format!(
                "{elsewhere} in other runs; each is settled with its run open: runs in doubt are on the Runs screen"
            )
        }
        Tab::Unsettled => "all work that began has an end".into(),
    }
}

/// ` #1 write     fs_patch src/client.rs +31 -4        0:42`.
fn line(app: &App, row: &QueueRow, chosen: bool, width: usize) -> Line<'static> {
    let number = app
        .session
        .number(row.proposal)
        .map_or_else(String::new, |number| format!("#{number}"));
    let on_card = app.card.row().map(|shown| shown.card.proposal) == Some(row.proposal);
    let focused = app.focus.pane() == Pane::Queue;
    let base = if chosen && focused {
        Role::Selection
    } else {
        Role::Text
    };
    let style = |role: Role| {
        let role = if base == Role::Selection { base } else { role };
        app.theme.style(role)
    };
    let mark = match (chosen, on_card) {
        (true, _) => "▸",
        (false, true) => ">",
        (false, false) => " ",
    };
    let effect = row.effect.map_or("", |effect| effect.word());
    let tail = match app.queue.tab {
        Tab::Open => words::age(app.now.wall, row.at),
        Tab::Decided if width < NARROW => String::new(),
        Tab::Decided | Tab::Unsettled => words::clock(row.at),
    };
    let head = match app.queue.marked().contains(&row.proposal) {
        true => format!("{mark}{:<4}", format!("{number}+")),
        false => format!("{mark}{number:<4}"),
    };
    let effect_text = if row.effect.is_some() {
        format!("{effect:<9} ")
    } else {
        String::new()
    };
    let room = width.saturating_sub(5 + effect_text.len() + tail.len() + 1);
    // Who decided matters most where it is decided; elsewhere the call does.
    let note = match app.queue.tab {
        Tab::Decided => room * 2 / 3,
        Tab::Open | Tab::Unsettled if width < NARROW => 0,
        Tab::Open | Tab::Unsettled => room / 2,
    };
    let note = SafeText::line(&row.note).shortened(note);
    let call = SafeText::exact(&row.line).shortened(room.saturating_sub(note.width() + 1));
    let gap = room.saturating_sub(call.width() + note.width() + 1) + 1;
    let mut spans = vec![Span::styled(head, style(Role::VerdictSuspended))];
    let effect_role = row.effect.map_or(Role::Text, words::role);
    spans.push(Span::styled(effect_text, style(effect_role)));
    spans.extend(call.spans_styled(&app.theme, style(Role::Text)));
    spans.push(Span::styled(" ".repeat(gap), style(Role::Text)));
    spans.extend(note.spans_styled(&app.theme, style(Role::Muted)));
    spans.push(Span::styled(format!(" {tail}"), style(Role::Muted)));
    Line::from(spans)
}

struct Rows(Vec<Line<'static>>);

impl Items for Rows {
    fn len(&self) -> usize {
        self.0.len()
    }

    /// Ages and the choice change with every frame; a row costs next to nothing.
    fn version(&self, at: usize) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.get(at).hash(&mut hasher);
        hasher.finish()
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, _: usize) -> Vec<Line<'static>> {
        self.0.get(at).cloned().into_iter().collect()
    }
}
