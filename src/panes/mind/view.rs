//! The map on cells.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::session::Session;
use crate::app::{App, Pane};
use crate::mind::{Node, told};
use crate::theme::{Role, Theme};
use crate::ui::chrome::Glyphs;
use crate::ui::safe_text::SafeText;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, scroll};

use super::state::MindPane;
use super::strip::{Kind, Strip};
use super::{cell, chain, grid};

/// Columns of the screen from which on stages stand in columns.
pub(crate) const WIDE: u16 = 100;

/// What a strip is drawn from.
pub(super) struct Map<'a> {
    pub(super) pane: &'a MindPane,
    pub(super) session: &'a Session,
    pub(super) theme: &'a Theme,
    pub(super) glyphs: Glyphs,
    pub(super) focused: bool,
}

/// Lays out what is in view.
pub(crate) fn prepare(app: &mut App, area: Rect) {
    let focused = app.focus.pane() == Pane::Mind;
    let height = rows(app, area).height;
    let view = Viewport {
        width: usize::from(chrome::inside(area).width.saturating_sub(1)),
        height: usize::from(height),
        epoch: app.theme.epoch(),
    };
    let App {
        mind,
        session,
        theme,
        glyphs,
        ..
    } = app;
    let mut list = std::mem::take(&mut mind.list);
    let map = Map {
        pane: mind,
        session,
        theme,
        glyphs: *glyphs,
        focused,
    };
    list.layout(&map, view);
    mind.is_laid_out = view.height > 0;
    mind.list = list;
}

/// Draws the strips laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Mind;
    let hints = hints(app);
    let pane = chrome::Pane {
        title: &SafeText::line(&title(app)),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if inner.height == 0 {
        return;
    }
    let width = usize::from(inner.width.saturating_sub(1));
    if app.mind.cut.wide {
        let head = grid::head(width, app.mind.show());
        buffer.set_stringn(inner.x, inner.y, head, width, app.theme.style(Role::Muted));
    }
    let body = rows(app, area);
    if app.mind.is_empty() {
        let line = Line::styled(nothing(app), app.theme.style(Role::Muted));
        chrome::put_lines(&[line], body, buffer);
    } else {
        scroll::list(&app.mind.list, body, buffer, &app.theme, app.glyphs);
        mark(app, body, buffer);
    }
    if let Some(used) = used(app).filter(|_| body.bottom() < inner.bottom()) {
        let used = SafeText::line(&used).shortened(width);
        let line = Line::from(used.spans(&app.theme, Role::Muted));
        buffer.set_line(inner.x, inner.bottom() - 1, &line, inner.width);
    }
}

/// Where the strips stand: below the heads, above what the run was done with.
fn rows(app: &App, area: Rect) -> Rect {
    let inner = chrome::inside(area);
    let head = u16::from(app.mind.cut.wide).min(inner.height);
    let foot = u16::from(inner.height > 5 && used(app).is_some());
    Rect {
        y: inner.y + head,
        height: inner.height.saturating_sub(head + foot),
        ..inner
    }
}

fn used(app: &App) -> Option<String> {
    told::used(app.session.mind())
}

fn nothing(app: &App) -> &'static str {
    match app.session.mind().nodes().is_empty() {
        true => "nothing has been said in this run yet",
        false => "nothing of what is shown stands here; f shows more",
    }
}

/// Marks the strip of the chosen node, not by colour alone.
fn mark(app: &App, area: Rect, buffer: &mut Buffer) {
    let sign = match app.glyphs {
        Glyphs::Box => "▸",
        Glyphs::Ascii => ">",
    };
    for (row, y) in app.mind.list.rows().zip(area.y..area.bottom()) {
        if Some(row.item) == app.mind.chosen_strip() {
            buffer.set_string(area.x, y, sign, app.theme.style(Role::Focus));
        }
    }
}

fn title(app: &App) -> String {
    let (session, pane) = (&app.session, &app.mind);
    let mind = session.mind();
    let Some(trajectory) = session.trajectory() else {
        return "mind - opening ..".to_owned();
    };
    let mut title = format!(
        "mind t-{} - {}, {}",
        trajectory.short(),
        counted(mind.lanes().len(), "turn"),
        counted(mind.nodes().len(), "node")
    );
    if session.older() > 0 {
        title.push_str(&format!(" - {} entries before these", session.older()));
    }
    if session.is_running() {
        title.push_str(" - live");
    }
    title.push_str(&format!(" - show: {}", pane.show().words()));
    if let Some((text, hits)) = pane.search() {
        title.push_str(&format!(" - / {text} {}", counted(hits, "hit")));
    }
    if !pane.is_following() {
        title.push_str(" - . follows");
    }
    title
}

fn counted(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

fn hints(app: &App) -> Vec<(String, &'static str)> {
    let back = match app.mind.above.is_empty() {
        true => "back",
        false => "to the run above",
    };
    [
        ("h l", "stage"),
        ("j k", "row"),
        ("[ ]", "turn"),
        ("Enter", "inspect"),
        ("f", "show"),
        ("/", "search"),
        ("Space", "fold"),
        ("o", "entry"),
        ("c", "card"),
        ("Esc", back),
    ]
    .map(|(key, words)| (key.to_owned(), words))
    .to_vec()
}

impl Map<'_> {
    /// The number of a turn before its first strip; the one at work is marked.
    pub(super) fn turn(&self, strip: Strip) -> String {
        let newest = strip.lane + 1 == self.session.mind().lanes().len();
        match (strip.first, newest && self.session.is_running()) {
            (false, _) => String::new(),
            (true, true) => format!("{}*", strip.lane + 1),
            (true, false) => (strip.lane + 1).to_string(),
        }
    }

    /// What lines between nodes are drawn in: while something is looked for they step back too.
    pub(super) fn edge(&self) -> Role {
        match self.pane.search() {
            Some(_) => Role::Muted,
            None => Role::Border,
        }
    }

    /// A node in so many columns at most, and how many it takes.
    pub(super) fn cell(
        &self,
        strip: usize,
        node: &Node,
        room: usize,
    ) -> (Vec<Span<'static>>, usize) {
        let chosen = self.pane.chosen_in(strip) == Some(node.id);
        let role = match (chosen && self.focused, self.pane.is_passed_over(node)) {
            (true, _) => Role::Selection,
            (false, true) => Role::Muted,
            (false, false) => cell::role(self.session.mind(), node),
        };
        let words = cell::words(self.session, node);
        let fits = SafeText::line(&words).width() + usize::from(chosen) <= room;
        let words = match fits {
            true => words,
            false => cell::short(node, words),
        };
        // Not by colour alone.
        let words = if chosen { format!(">{words}") } else { words };
        let text = SafeText::line(&words).shortened(room);
        (text.spans(self.theme, role), text.width())
    }
}

impl Items for Map<'_> {
    fn len(&self) -> usize {
        self.pane.len()
    }

    /// Differs with nothing but what the strip itself shows: a bell must not draw the others anew.
    fn version(&self, at: usize) -> u64 {
        let mind = self.session.mind();
        let mut hash = DefaultHasher::new();
        self.pane.version.hash(&mut hash);
        let Some(strip) = self.pane.strip(at) else {
            return 0;
        };
        strip.hash(&mut hash);
        self.turn(strip).hash(&mut hash);
        let lane = mind.lanes().get(strip.lane);
        lane.map(|lane| (lane.message, lane.answer)).hash(&mut hash);
        match strip.kind {
            Kind::Row(row) => {
                let nodes = mind
                    .row(row)
                    .map(|row| (row.nodes.first(), row.nodes.len()));
                nodes.hash(&mut hash);
            }
            Kind::Folded => lane
                .map(|lane| cell::folded(mind, strip.lane).len() + lane.rows.len())
                .hash(&mut hash),
            Kind::Bare | Kind::Message | Kind::Answer => {}
        }
        let chosen = self.pane.chosen_strip() == Some(at);
        let chosen = chosen.then(|| (self.pane.chosen_in(at), self.focused));
        chosen.hash(&mut hash);
        hash.finish()
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let Some(strip) = self.pane.strip(at) else {
            return Vec::new();
        };
        vec![match self.pane.cut.wide {
            true => grid::line(self, at, strip, width),
            false => chain::line(self, at, strip, width),
        }]
    }
}
