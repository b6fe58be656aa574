//! The narrow map: each strip is one line, its nodes one after the other.

use ratatui::text::{Line, Span};

use crate::mind::{Node, NodeKind};
use crate::theme::Role;
use crate::ui::safe_text::SafeText;

use super::cell;
use super::strip::{Kind, Strip};
use super::view::Map;

/// What stands between two nodes.
const THEN: &str = " > ";

/// Columns before the first node.
const LEAD: usize = 5;

/// Columns that a call's own line leaves to what became of it.
const LEFT_TO_REST: usize = 34;

/// Nodes of a chain that have room beside each other.
const SEEN: usize = 3;

/// A strip as a chain.
pub(super) fn line(map: &Map<'_>, at: usize, strip: Strip, width: usize) -> Line<'static> {
    let theme = map.theme;
    let number = format!("  {}", map.turn(strip));
    let mut spans = vec![Span::styled(
        format!("{number:<LEAD$}"),
        theme.style(Role::Muted),
    )];
    let mut room = width.saturating_sub(LEAD);
    if strip.kind == Kind::Folded {
        let words = format!("[{}]", cell::folded(map.session.mind(), strip.lane));
        let chosen = map.pane.chosen_strip() == Some(at) && map.focused;
        let role = if chosen {
            Role::Selection
        } else {
            Role::Accent
        };
        spans.extend(SafeText::line(&words).shortened(room).spans(theme, role));
        return Line::from(spans);
    }
    let cells = map.pane.cut.cells(map.session.mind(), strip);
    let chosen = map.pane.chosen_in(at);
    let chosen = cells.iter().position(|node| Some(node.id) == chosen);
    // What is chosen has to be seen: what stands before it gives way.
    let from = chosen.filter(|at| *at >= SEEN).map_or(0, |at| at - 1);
    if from > 0 {
        let left_out = SafeText::line("..");
        room = room.saturating_sub(left_out.width());
        spans.extend(left_out.spans(theme, Role::Muted));
    }
    for (place, node) in cells.iter().enumerate().skip(from) {
        if place > 0 {
            let then = SafeText::line(THEN).shortened(room);
            room = room.saturating_sub(then.width());
            spans.extend(then.spans(theme, map.edge()));
        }
        let (letter, most) = lead(node, room, cells.len());
        let letter = SafeText::line(letter).shortened(room);
        room = room.saturating_sub(letter.width());
        spans.extend(letter.spans(theme, Role::Accent));
        let (text, used) = map.cell(at, node, most.min(room));
        room = room.saturating_sub(used);
        spans.extend(text);
    }
    Line::from(spans)
}

/// The letter before a node where its words have none, and the columns it may take.
fn lead(node: &Node, room: usize, count: usize) -> (&'static str, usize) {
    match node.kind {
        NodeKind::Message => ("M ", room),
        NodeKind::Answer => ("A ", room),
        NodeKind::Intent if count > 1 => ("I ", room.saturating_sub(LEFT_TO_REST).max(12)),
        NodeKind::Intent => ("I ", room),
        NodeKind::Execution => ("B ", room),
        NodeKind::Steer
        | NodeKind::Proposal
        | NodeKind::Verdict
        | NodeKind::Child
        | NodeKind::Commit
        | NodeKind::Error => ("", room),
    }
}
