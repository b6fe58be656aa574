//! The card on cells: the canonical fields, wrapped at the edge and coloured, nothing besides.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_core::approval::Decision;
use thymos_protocol::HoldRow;

use crate::app::{App, Pane};
use crate::panes::queue::words;
use crate::theme::{Role, Theme};
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, exact, scroll};

use super::around;
use super::lines::{CardLine, Tone};
use super::state::Block;

/// Columns of the labels. Content never begins left of them, so no content can forge one.
const LABEL_COLUMNS: usize = 9;

/// What stands before a row that goes on from the one above.
const GOES_ON: &str = "       > ";

/// Rows below the content: the digests, and what can be done.
const FOOT_ROWS: u16 = 2;

/// Columns below which words are left out around the content, never in it.
const NARROW: u16 = 64;

/// Lays out what is in view. Once before each frame; what is laid out is what is seen.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let foot = around::rows(app).len();
    let inner = content(chrome::inside(area), foot);
    let App { card, theme, .. } = app;
    let mut list = std::mem::take(&mut card.list);
    let rows = Rows {
        lines: card.lines(),
        theme,
    };
    list.layout(
        &rows,
        Viewport {
            width: usize::from(inner.width.saturating_sub(1)),
            height: usize::from(inner.height),
            epoch: theme.epoch(),
        },
    );
    card.list = list;
    // Beneath something else, or too narrow for a word, nothing has been seen.
    let visible = app.overlays.is_empty() && usize::from(inner.width) > LABEL_COLUMNS + 1;
    if visible {
        let full = app.focus.zoomed || app.class == crate::ui::layout::Class::Tiny;
        app.card.was_drawn(full);
    }
}

/// Draws the card.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Card;
    let Some(row) = app.card.row() else {
        return empty(app, area, focused, buffer);
    };
    let title = title(app, row, area.width);
    let hints = [
        ("Esc".to_owned(), "back, no decision"),
        ("n".to_owned(), "next"),
        ("w".to_owned(), "trace"),
        ("?".to_owned(), "help"),
    ];
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    let around = around::rows(app);
    let text = content(inner, around.len());
    app.card.list.draw(
        Rect {
            width: text.width.saturating_sub(1),
            ..text
        },
        buffer,
    );
    scroll::bar(app.card.list.extent(), text, buffer, &app.theme, app.glyphs);
    let foot = Rect {
        y: text.bottom(),
        height: inner.height - text.height,
        ..inner
    };
    let mut rows = around;
    rows.extend([digests(app, row, foot.width), state(app)]);
    chrome::put_lines(&rows, foot, buffer);
}

fn empty(app: &App, area: Rect, focused: bool, buffer: &mut Buffer) {
    let pane = chrome::Pane {
        title: &SafeText::line("no card open"),
        hints: &[],
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    let text = if app.session.holds().is_empty() {
        "Nothing waits for a decision."
    } else {
        "Enter opens the chosen row of the queue."
    };
    let line = Line::styled(text, app.theme.style(Role::Muted));
    chrome::put_lines(&[line], inner, buffer);
}

/// `#1, 2 open - fs_patch - effect write - risk medium - reversible - waiting 0:42`.
fn title(app: &App, row: &HoldRow, width: u16) -> String {
    let card = &row.card;
    let number = app.session.number(card.proposal).unwrap_or_default();
    let place = match app.session.holds().len() {
        _ if app.card.closed().is_some() => " CLOSED".to_owned(),
        open => format!(", {open} open"),
    };
    let back = if card.reversible {
        "reversible"
    } else {
        "NOT reversible"
    };
    if width < NARROW {
        return format!("#{number} {} {} {back}", card.effect, card.risk);
    }
    format!(
        "#{number}{place} - effect {} - risk {} - {back} - {} - waiting {}",
        card.effect,
        card.risk,
        card.tool,
        words::age(app.now.wall, card.held_at)
    )
}

fn digests(app: &App, row: &HoldRow, width: u16) -> Line<'static> {
    let card = &row.card;
    let whole = card.proposal.to_string();
    let last = whole
        .get(whole.len().saturating_sub(4)..)
        .unwrap_or_default();
    let (proposal, presented) = if width < NARROW {
        ("id", "shown")
    } else {
        ("proposal", "presented")
    };
    let text = format!(
        "{proposal} {}..{last}  {presented} {}..",
        card.proposal.short(),
        card.presented.short()
    );
    Line::styled(text, app.theme.style(Role::Muted))
}

/// What can be done, or what is in the way. No answer is marked as the one to give.
fn state(app: &App) -> Line<'static> {
    let mono = app.now.mono;
    let style = |role| app.theme.style(role);
    let approve = app.card.may(Decision::Approve, mono);
    let deny = app.card.may(Decision::Deny, mono);
    let keys = |keys: &[(&'static str, &'static str)]| {
        keys.iter()
            .flat_map(|(key, words)| {
                [
                    Span::styled(*key, style(Role::Key)),
                    Span::styled(format!(" {words}   "), style(Role::Text)),
                ]
            })
            .collect::<Vec<_>>()
    };
    let mut spans = Vec::new();
    match (approve, deny) {
        (Ok(()), _) => spans.extend(keys(&[
            ("a", "approve once"),
            ("s", "with scope.."),
            ("d", "deny.."),
            ("e", "edit.."),
        ])),
        (Err(why), Ok(())) => {
            spans.extend(keys(&[("d", "deny.."), ("e", "edit..")]));
            spans.extend(told(app, &why, Role::Warn));
        }
        (_, Err(why)) => {
            let role = match why {
                Block::NotArmed => Role::Muted,
                _ => Role::Warn,
            };
            spans.extend(told(app, &why, role));
        }
    }
    Line::from(spans)
}

fn told(app: &App, why: &Block, role: Role) -> Vec<Span<'static>> {
    let text = match why {
        Block::NotArmed if app.focus.pane() != Pane::Card => "Tab or Enter goes to the card".into(),
        Block::NotArmed => "keys in a moment ..".into(),
        other => other.words().unwrap_or_default(),
    };
    SafeText::line(&text).spans(&app.theme, role)
}

fn content(inner: Rect, around: usize) -> Rect {
    let rows = FOOT_ROWS + u16::try_from(around).unwrap_or(0);
    let foot = rows.min(inner.height.saturating_sub(1));
    Rect {
        height: inner.height - foot,
        ..inner
    }
}

struct Rows<'a> {
    lines: &'a [CardLine],
    theme: &'a Theme,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn version(&self, _: usize) -> u64 {
        0
    }

    fn estimate(&self, at: usize, width: usize) -> u64 {
        let length = self.lines.get(at).map_or(0, |line| line.text.len());
        (length / width.saturating_sub(LABEL_COLUMNS).max(1)) as u64 + 1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        self.lines
            .get(at)
            .map(|line| rows(line, width, self.theme))
            .unwrap_or_default()
    }
}

/// How a tone is coloured.
pub(crate) fn tone_role(tone: Tone) -> Role {
    match tone {
        Tone::Plain => Role::Text,
        Tone::Command => Role::Strong,
        Tone::Added => Role::DiffAdd,
        Tone::Removed => Role::DiffDel,
        Tone::Hunk => Role::DiffHunk,
    }
}

/// One line of a card on as many rows as it takes.
pub(super) fn rows(line: &CardLine, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let role = tone_role(line.tone);
    let label = line.label.map_or("", |label| label.word());
    let first = [Span::styled(
        format!("{label:<LABEL_COLUMNS$}"),
        theme.style(Role::Title),
    )];
    let others = [Span::styled(GOES_ON, theme.style(Role::Muted))];
    let spans = SafeText::exact(&line.text).spans(theme, role);
    exact::rows(&spans, width, &first, &others)
}
