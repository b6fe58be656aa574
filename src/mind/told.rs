//! The map in words: an indented tree with a label before each node. Append-only, no colour.

use super::{Mind, Node};
use crate::out::safe;

/// The lines of the map: a turn, what it answers, each call with what became of it, what was said.
#[must_use]
pub fn lines(mind: &Mind) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, lane) in mind.lanes().iter().enumerate() {
        lines.push(format!("turn {}", at + 1));
        let said = |node: Option<usize>| node.and_then(|at| mind.nodes().get(at));
        lines.extend(said(lane.message).map(|node| format!("  {}", node_line(node))));
        for row in lane.rows.iter().filter_map(|row| mind.row(*row)) {
            let nodes = row.nodes.iter().filter_map(|at| mind.nodes().get(*at));
            for (depth, node) in nodes.enumerate() {
                let indent = if depth == 0 { "  " } else { "    " };
                lines.push(format!("{indent}{}", node_line(node)));
            }
        }
        lines.extend(said(lane.answer).map(|node| format!("  {}", node_line(node))));
    }
    lines
}

/// `verdict 12: REJECTED C8 no grant for it`.
#[must_use]
pub fn node_line(node: &Node) -> String {
    format!("{} {}: {}", node.kind.word(), node.seq, words(node))
}

/// How it went, and what it says.
#[must_use]
pub fn words(node: &Node) -> String {
    let label = safe(&node.label);
    match (node.state.word(), label.is_empty()) {
        ("", _) => label,
        (word, true) => word.to_owned(),
        (word, false) => format!("{word} {label}"),
    }
}

/// What the run was done with, in one line; nothing before there is anything to tell.
#[must_use]
pub fn used(mind: &Mind) -> Option<String> {
    let used = mind.used();
    let model = used.model.as_ref()?;
    let mut parts = vec![format!("model {}", safe(model))];
    parts.extend(
        used.tools
            .iter()
            .map(|(tool, count)| format!("{} {count}", safe(tool))),
    );
    parts.push(format!(
        "tokens {} in, {} out",
        used.tokens_in, used.tokens_out
    ));
    Some(parts.join(", "))
}
