//! The wide map: stages stand in columns, from left to right, and lines join what follows.

use ratatui::text::{Line, Span};

use crate::mind::{Lane, Node, NodeKind, Stage};
use crate::theme::Role;
use crate::ui::chrome::Glyphs;
use crate::ui::safe_text::SafeText;

use super::cell;
use super::show::Show;
use super::strip::{Kind, Strip};
use super::view::Map;

/// Columns of the number of a turn.
const TURN: usize = 5;

/// From this width on, verdicts and ends have room for their words.
const ROOMY: usize = 150;

/// Columns of each stage; none where it is hidden.
pub(super) fn columns(width: usize, show: &Show) -> [usize; Stage::ALL.len()] {
    let shown = Stage::ALL.map(|stage| {
        let mut kinds = NodeKind::ALL.into_iter();
        kinds.any(|kind| kind.stage() == stage && show.has(kind))
    });
    let roomy = width >= ROOMY;
    let fixed = |stage: Stage| match stage {
        Stage::Message | Stage::Intent | Stage::Answer => 0,
        Stage::Proposal => 9,
        Stage::Verdict if roomy => 30,
        Stage::Execution if roomy => 28,
        Stage::Verdict => 16,
        Stage::Execution => 15,
        Stage::Commit => 9,
    };
    let mut widths = Stage::ALL.map(fixed);
    for (width, shown) in widths.iter_mut().zip(shown) {
        *width = if shown { *width } else { 0 };
    }
    let left = width.saturating_sub(TURN + widths.iter().sum::<usize>());
    let wide = |stage: Stage| matches!(stage, Stage::Message | Stage::Intent | Stage::Answer);
    let count = Stage::ALL
        .iter()
        .zip(shown)
        .filter(|(stage, shown)| wide(**stage) && *shown);
    let each = left.checked_div(count.count()).unwrap_or(0);
    for ((stage, width), shown) in Stage::ALL.into_iter().zip(&mut widths).zip(shown) {
        if wide(stage) && shown {
            *width = each;
        }
    }
    widths
}

/// The heads of the columns.
pub(super) fn head(width: usize, show: &Show) -> String {
    let mut text = " ".repeat(TURN);
    for (stage, columns) in Stage::ALL.into_iter().zip(columns(width, show)) {
        if columns > 0 {
            let head: String = stage.head().chars().take(columns - 1).collect();
            text.push_str(&format!("{head:<columns$}"));
        }
    }
    text
}

/// A strip in columns.
pub(super) fn line(map: &Map<'_>, at: usize, strip: Strip, width: usize) -> Line<'static> {
    let Some(lane) = map.session.mind().lanes().get(strip.lane) else {
        return Line::default();
    };
    let cells = map.pane.cut.cells(map.session.mind(), strip);
    let drawing = Drawing {
        map,
        strip,
        lane,
        at,
        cells,
    };
    drawing.line(columns(width, map.pane.show()))
}

/// Whether words of people and models stand there.
const fn is_said(stage: Stage) -> bool {
    matches!(stage, Stage::Message | Stage::Answer)
}

struct Drawing<'a> {
    map: &'a Map<'a>,
    strip: Strip,
    lane: &'a Lane,
    at: usize,
    cells: Vec<&'a Node>,
}

impl Drawing<'_> {
    fn line(&self, columns: [usize; Stage::ALL.len()]) -> Line<'static> {
        let theme = self.map.theme;
        let number = format!("  {}", self.map.turn(self.strip));
        let mut spans = vec![Span::styled(
            format!("{number:<TURN$}"),
            theme.style(Role::Muted),
        )];
        let last = Stage::ALL.iter().zip(columns).rfind(|(stage, width)| {
            // What stands before the answer ends in the join.
            *width > 0 && **stage != Stage::Answer
        });
        let last = last.map(|(stage, _)| *stage);
        let mut over = self.over_all();
        let spanned = over.is_some();
        for (stage, width) in Stage::ALL.into_iter().zip(columns) {
            if width == 0 {
                continue;
            }
            if spanned && !is_said(stage) {
                let once = over.take().map(|words| self.wide_cell(&words, columns));
                spans.extend(once.into_iter().flatten());
                continue;
            }
            let join = match stage {
                Stage::Message => self.left_join(),
                _ if Some(stage) == last => self.right_join(),
                _ => None,
            };
            spans.extend(self.cell(stage, width, join));
        }
        Line::from(spans)
    }

    /// What stands over the columns between what was said: all calls of a folded turn, or why a run broke off.
    fn over_all(&self) -> Option<(String, Option<usize>)> {
        match (self.strip.kind, self.cells.as_slice()) {
            (Kind::Folded, _) => {
                let folded = cell::folded(self.map.session.mind(), self.strip.lane);
                Some((format!("[{folded}]"), None))
            }
            (Kind::Row(_), cells) => {
                let broke = |node: &&&Node| node.kind == NodeKind::Error && node.proposal.is_none();
                let node = cells.iter().find(broke)?;
                Some((cell::words(self.map.session, node), Some(node.id)))
            }
            (Kind::Bare | Kind::Message | Kind::Answer, _) => None,
        }
    }

    fn wide_cell(
        &self,
        (words, node): &(String, Option<usize>),
        columns: [usize; Stage::ALL.len()],
    ) -> Vec<Span<'static>> {
        let between = Stage::ALL.into_iter().zip(columns);
        let between = between.filter(|(stage, _)| !is_said(*stage));
        let width: usize = between.map(|(_, width)| width).sum();
        let chosen = self.map.pane.chosen_in(self.at);
        let chosen = match node {
            Some(node) => chosen == Some(*node),
            None => chosen.is_some_and(|node| !self.cells.iter().any(|cell| cell.id == node)),
        };
        let words = match chosen {
            true => format!(">{words}"),
            false => words.clone(),
        };
        let text = SafeText::line(&words).shortened(width.saturating_sub(2));
        let role = match (chosen && self.map.focused, node) {
            (true, _) => Role::Selection,
            (false, Some(_)) => Role::Danger,
            (false, None) => Role::Accent,
        };
        let mut spans = text.spans(self.map.theme, role);
        let gap = width.saturating_sub(text.width());
        let fill = match self.cell_at(Stage::Answer) {
            Some(_) => self.across(),
            None => " ",
        };
        spans.push(Span::styled(
            fill.repeat(gap),
            self.map.theme.style(self.map.edge()),
        ));
        spans
    }

    fn cell_at(&self, stage: Stage) -> Option<&Node> {
        let mut cells = self.cells.iter();
        cells.find(|node| node.kind.stage() == stage).copied()
    }

    fn cell(&self, stage: Stage, width: usize, join: Option<&'static str>) -> Vec<Span<'static>> {
        let theme = self.map.theme;
        let room = width.saturating_sub(2);
        let mut spans = Vec::new();
        let mut used = 0;
        if let Some(node) = self.cell_at(stage) {
            let (text, shown) = self.map.cell(self.at, node, room);
            used = shown;
            spans.extend(text);
        }
        let follows = self.cells.iter().any(|node| node.kind.stage() > stage);
        let begun = self.cells.iter().any(|node| node.kind.stage() <= stage);
        let linked = (follows && begun || join.is_some()) && !self.is_alone();
        let joins = usize::from(join.is_some());
        let fill = match linked && (begun || stage != Stage::Message) {
            true => self.across(),
            false => " ",
        };
        let fill = match stage {
            Stage::Answer => " ",
            _ => fill,
        };
        let gap = width.saturating_sub(used + joins);
        let border = theme.style(self.map.edge());
        spans.push(Span::styled(fill.repeat(gap), border));
        if let Some(join) = join {
            spans.push(Span::styled(join, border));
        }
        spans
    }

    /// What was said beside no call leads on to nothing in its line but what was said of it.
    fn is_alone(&self) -> bool {
        self.strip.kind == Kind::Bare && self.cells.len() < 2
    }

    /// How the calls of a lane hang from what they follow from.
    fn left_join(&self) -> Option<&'static str> {
        let mind = self.map.session.mind();
        let message = self.lane.message.and_then(|at| mind.nodes().get(at));
        let shown = message.is_some_and(|node| self.map.pane.show().has(node.kind));
        if !shown || !matches!(self.strip.kind, Kind::Row(_)) {
            return None;
        }
        Some(match (self.map.glyphs, self.strip.first, self.strip.last) {
            (Glyphs::Ascii, true, true) => "-",
            (Glyphs::Ascii, _, _) => "+",
            (Glyphs::Box, true, true) => "─",
            (Glyphs::Box, true, false) => "┬",
            (Glyphs::Box, false, false) => "├",
            (Glyphs::Box, false, true) => "└",
        })
    }

    /// How what was said follows from the calls of a lane.
    fn right_join(&self) -> Option<&'static str> {
        let mind = self.map.session.mind();
        let answer = self.lane.answer.and_then(|at| mind.nodes().get(at))?;
        if !self.map.pane.show().has(answer.kind) || !matches!(self.strip.kind, Kind::Row(_)) {
            return None;
        }
        Some(match (self.map.glyphs, self.strip.first, self.strip.last) {
            (Glyphs::Ascii, true, true) => "-",
            (Glyphs::Ascii, _, _) => "+",
            (Glyphs::Box, true, true) => "─",
            (Glyphs::Box, true, false) => "┬",
            (Glyphs::Box, false, false) => "┤",
            (Glyphs::Box, false, true) => "┘",
        })
    }

    fn across(&self) -> &'static str {
        match self.map.glyphs {
            Glyphs::Box => "─",
            Glyphs::Ascii => "-",
        }
    }
}
