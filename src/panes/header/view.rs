//! The top row on cells. What matters least is left out first when the row is narrow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use thymos_core::Timestamp;
use thymos_core::budget::Dimension;
use thymos_protocol::{
    BudgetBar, ChainState, OutsideStanding, OutsideTrouble, Status, VerifiedBefore,
};

use crate::app::App;
use crate::theme::Role;
use crate::ui::gauge;
use crate::ui::safe_text::SafeText;
use crate::ui::width::columns;

/// One part of the row; a higher rank is left out sooner.
struct Part {
    text: String,
    role: Role,
    rank: u8,
}

/// Draws the row.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, app.theme.style(Role::Header));
    let width = usize::from(area.width);
    let mut parts = parts(app, width);
    while total(&parts) > width && parts.len() > 1 {
        let last = parts
            .iter()
            .enumerate()
            .max_by_key(|(_, part)| part.rank)
            .map(|(at, _)| at);
        parts.remove(last.unwrap_or_default());
    }
    let base = app.theme.style(Role::Header);
    let mut spans = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled("  ", base));
        }
        spans.push(Span::styled(
            part.text.clone(),
            base.patch(app.theme.style(part.role)),
        ));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

fn total(parts: &[Part]) -> usize {
    let text: usize = parts.iter().map(|part| columns(&part.text)).sum();
    text + parts.len().saturating_sub(1) * 2
}

fn parts(app: &App, width: usize) -> Vec<Part> {
    let part = |text: String, role, rank| Part { text, role, rank };
    let mut parts = vec![part("thymos".into(), Role::Accent, 6)];
    let Some(status) = app.session.status() else {
        parts.push(part("opening ..".into(), Role::Muted, 0));
        return parts;
    };
    parts.push(part(workspace(status), Role::Header, 5));
    parts.push(part(
        format!("t-{}", status.trajectory.short()),
        Role::Header,
        7,
    ));
    parts.push(chain(app, status, width));
    parts.extend(status.outside.as_ref().map(|seen| outside(seen, width)));
    let mode = format!(
        "{} {}",
        status.mode.word().to_uppercase(),
        status.writ.effects
    );
    parts.push(match status.writ.revoked {
        true => part(
            format!("{} REVOKED", status.mode.word().to_uppercase()),
            Role::Warn,
            1,
        ),
        false => part(SafeText::line(&mode).shown(), Role::Strong, 1),
    });
    // A bound skill, or an operator's own writ, goes by the name of its writ.
    if status.writ.name != status.mode.word() {
        let name = SafeText::line(&status.writ.name).shortened(24).shown();
        parts.push(part(name, Role::Accent, 3));
    }
    if let Some(budget) = budget(status) {
        parts.push(budget);
    }
    if let Some((used, fits)) = status.context {
        let percent = gauge::percent(used, fits);
        parts.push(part(format!("ctx {percent}%"), gauge::role(percent), 8));
    }
    let in_doubt = status.in_doubt.saturating_add(status.in_doubt_elsewhere);
    if in_doubt > 0 {
        parts.push(part(
            format!("{in_doubt} unsettled"),
            Role::VerdictUnsettled,
            1,
        ));
    }
    if status.pending > 0 {
        parts.push(part(
            format!("{} pending", status.pending),
            Role::VerdictSuspended,
            0,
        ));
    }
    parts
}

fn workspace(status: &Status) -> String {
    let mut names = status.workspace.rsplit('/').filter(|name| !name.is_empty());
    let last = names.next().unwrap_or("/");
    let place = names
        .next()
        .map_or_else(|| last.to_owned(), |above| format!("{above}/{last}"));
    SafeText::path(&place).shortened(32).shown()
}

/// Columns of a row that has room for when the rest was verified.
const WIDE: usize = 120;

/// `[Y3]` What was verified now, and, where there is room, when all before it was.
fn beyond(before: &VerifiedBefore, index: u64, width: usize) -> String {
    let new = format!("{} new", index.saturating_sub(before.entries));
    match width >= WIDE {
        true => format!("{new}, {} on {}", before.entries, before.at.date()),
        false => new,
    }
}

/// `seq 4182 ✓`, `seq 4182 ✓ 12 new`, `seq 4182 ?4100`, `seq 4182 BROKEN`. Where the
/// ledger takes nothing more, that stands in the place of what was verified.
fn chain(app: &App, status: &Status, width: usize) -> Part {
    let ascii = app.glyphs == crate::ui::chrome::Glyphs::Ascii;
    let good = if ascii { "verified" } else { "✓" };
    let (mark, role) = match &status.chain {
        ChainState::Broken(_) => ("BROKEN".to_owned(), Role::Danger),
        _ if status.unstored => ("NOT STORED".to_owned(), Role::Danger),
        ChainState::VerifiedTo { index, len, before } if index >= len && *len > 0 => {
            let mark = match before {
                None => good.to_owned(),
                Some(before) => format!("{good} {}", beyond(before, *index, width)),
            };
            (mark, Role::Ok)
        }
        ChainState::VerifiedTo { index: 0, .. } | ChainState::Unverified => {
            ("?".to_owned(), Role::Warn)
        }
        ChainState::VerifiedTo { index, .. } => (format!("?{}", index - 1), Role::Warn),
    };
    Part {
        text: format!("seq {} {mark}", status.head_seq),
        role,
        rank: 2,
    }
}

/// `[L7]` `outside: all`, `outside: 14 behind`, and where there is room up to when that vouches. It names a
/// moment and no age, which would be wrong as soon as nobody draws. What is calm is left out before all else.
fn outside(seen: &OutsideStanding, width: usize) -> Part {
    let words = match (&seen.trouble, seen.size) {
        (Some(OutsideTrouble::Contradicted(_)), _) => "DISAGREES".to_owned(),
        (Some(OutsideTrouble::Unreached(_)), _) => "not reached".to_owned(),
        (None, None) => "none".to_owned(),
        (None, Some(_)) => {
            let covers = match seen.behind {
                0 => "all".to_owned(),
                behind => format!("{behind} behind"),
            };
            match seen.at.filter(|_| width >= WIDE) {
                Some(at) => format!("{covers}, to {} {}", at.date(), minute(at)),
                None => covers,
            }
        }
    };
    let (role, rank) = match &seen.trouble {
        Some(OutsideTrouble::Contradicted(_)) => (Role::Danger, 2),
        Some(OutsideTrouble::Unreached(_)) => (Role::Warn, 3),
        None if seen.missed => (Role::Warn, 3),
        None => (Role::Header, 9),
    };
    Part {
        text: format!("outside: {words}"),
        role,
        rank,
    }
}

fn minute(at: Timestamp) -> String {
    let mut clock = at.clock();
    clock.truncate("12:34".len());
    clock
}

/// Money when it is limited, else the dimension most nearly spent.
fn budget(status: &Status) -> Option<Part> {
    let limited = || status.writ.budget.iter().filter(|bar| bar.limit.is_some());
    let share = |bar: &&BudgetBar| gauge::percent(bar.spent, bar.limit.unwrap_or(u64::MAX));
    let money = limited().find(|bar| bar.dimension == Dimension::UsdMillicents);
    let bar = money.or_else(|| limited().max_by_key(share))?;
    let role = match gauge::role(share(&bar)) {
        Role::Ok => Role::Header,
        worse => worse,
    };
    let limit = bar.limit?;
    let text = match bar.dimension {
        Dimension::UsdMillicents => format!("${}/{}", dollars(bar.spent), dollars(limit)),
        Dimension::Tokens => format!("{}/{} tokens", bar.spent, limit),
        Dimension::ToolCalls => format!("{}/{} calls", bar.spent, limit),
        Dimension::WallClockMs => format!("{}/{} s", bar.spent / 1_000, limit / 1_000),
    };
    Some(Part {
        text,
        role,
        rank: 4,
    })
}

fn dollars(millicents: u64) -> String {
    format!("{}.{:02}", millicents / 100_000, millicents / 1_000 % 100)
}
