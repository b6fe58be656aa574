//! The runs on cells: the tree at one side, the chosen one at the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use thymos_core::budget::Dimension;
use thymos_core::{Timestamp, TrajectoryId};
use thymos_protocol::{HoldRow, RunRow};

use crate::app::{App, Pane};
use crate::panes::authority::told::moment;
use crate::panes::queue::words;
use crate::panes::reader::Said;
use crate::theme::{Role, Theme};
use crate::ui::chrome::Glyphs;
use crate::ui::layout::Pair;
use crate::ui::row::{self, Row, RowStyle};
use crate::ui::safe_text::SafeText;
use crate::ui::share::amount;
use crate::ui::vlist::{Items, Viewport};
use crate::ui::{chrome, scroll};

use super::state::Runs;
use super::tree::TreeRow;

/// Columns of the labels.
const LABEL: usize = 11;

/// Lays out what is in view. Once before each frame.
pub(crate) fn prepare(app: &mut App, areas: Pair) {
    let focused = app.focus.pane() == Pane::Runs;
    let visible = app.overlays.is_empty();
    let open = app.session.trajectory();
    let lines = details(app);
    let view = Viewport {
        width: usize::from(areas.first.width.saturating_sub(3)),
        height: usize::from(areas.first.height.saturating_sub(2)),
        epoch: app.theme.epoch(),
    };
    let App {
        runs,
        theme,
        now,
        glyphs,
        ..
    } = app;
    let mut list = std::mem::take(&mut runs.list);
    let rows = Rows {
        runs,
        open,
        now: now.wall,
        focused,
        glyphs: *glyphs,
        theme,
    };
    list.layout(&rows, view);
    runs.list = list;
    runs.details.rewrite(lines);
    runs.details
        .prepare(chrome::inside(areas.second), theme, visible);
}

/// Draws the rows laid out last.
pub(crate) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Runs;
    let hints = [
        ("Enter".to_owned(), "open"),
        ("c".to_owned(), "stop it.."),
        ("Tab".to_owned(), "read"),
        ("Esc".to_owned(), "back"),
    ];
    let rows = app.runs.rows();
    let title = rows.map_or_else(
        || "runs ..".to_owned(),
        |rows| {
            let pending: u64 = rows.iter().map(|row| row.run.pending).sum();
            let busy = rows.iter().filter(|row| row.run.is_busy());
            format!(
                "{} runs - {} running - {pending} pending",
                rows.len(),
                busy.count()
            )
        },
    );
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    if rows.is_none_or(<[TreeRow]>::is_empty) {
        let text = if rows.is_some() {
            "no trajectory yet"
        } else {
            "asking .."
        };
        let line = Line::styled(text, app.theme.style(Role::Muted));
        chrome::put_lines(&[line], inner, buffer);
        return;
    }
    scroll::list(&app.runs.list, inner, buffer, &app.theme, app.glyphs);
}

/// Draws what is told of the chosen run.
pub(crate) fn draw_details(app: &App, area: Rect, buffer: &mut Buffer) {
    let focused = app.focus.pane() == Pane::Run;
    let hints = [("y".to_owned(), "copy"), ("Esc".to_owned(), "back")];
    let chosen = app.runs.row(app.session.trajectory());
    let title = chosen.map_or_else(String::new, |row| {
        format!("run t-{}", row.run.trajectory.short())
    });
    let pane = chrome::Pane {
        title: &SafeText::line(&title),
        hints: if focused { &hints } else { &[] },
        focused,
        glyphs: app.glyphs,
    };
    let inner = chrome::pane(&pane, area, buffer, &app.theme);
    app.runs.details.draw(inner, buffer, app);
}

/// `branch of t-54b2da94`, `delegated by t-54b2da94`.
pub(crate) fn parent(run: &RunRow) -> Option<String> {
    let up = run.parent.as_ref()?;
    let how = if up.branched {
        "branch of"
    } else {
        "delegated by"
    };
    Some(format!("{how} t-{}", up.trajectory.short()))
}

/// What it is called, or that nobody has said anything in it.
pub(crate) fn name(run: &RunRow) -> &str {
    match run.title.as_str() {
        "" => "nothing said yet",
        title => title,
    }
}

fn fact(head: &str, text: impl Into<String>) -> Said {
    Said::labelled(format!("{head:<LABEL$}"), Role::Text, text)
}

fn details(app: &App) -> Vec<Said> {
    let Some(TreeRow { run, .. }) = app.runs.row(app.session.trajectory()) else {
        return Vec::new();
    };
    let mut lines = vec![
        fact("title", name(run)),
        Said::labelled(
            format!("{:<LABEL$}", "state"),
            state_role(run),
            run.state.clone(),
        ),
    ];
    lines.extend(parent(run).map(|text| fact("from", text)));
    if run.pending > 0 {
        lines.push(fact("pending", run.pending.to_string()));
    }
    if run.in_doubt > 0 {
        let text = run.in_doubt.to_string();
        lines.push(Said::labelled(
            format!("{:<LABEL$}", "unsettled"),
            Role::VerdictUnsettled,
            text,
        ));
    }
    let holds = app.session.holds().iter();
    let mine = holds.filter(|hold| hold.trajectory == run.trajectory);
    lines.extend(mine.map(|hold| held(app, hold)));
    for (head, dimension, value) in [
        ("tokens", Dimension::Tokens, run.spent.tokens),
        ("tool calls", Dimension::ToolCalls, run.spent.tool_calls),
        (
            "wall clock",
            Dimension::WallClockMs,
            run.spent.wall_clock_ms,
        ),
        ("money", Dimension::UsdMillicents, run.spent.usd_millicents),
    ] {
        lines.push(fact(head, amount(dimension, value)));
    }
    let below = app.runs.below(run.trajectory);
    if !below.is_empty() {
        lines.push(Said::words(Role::Heading, "below it"));
        lines.extend(below.into_iter().map(|child| {
            let text = format!(
                "t-{} {}: {}",
                child.trajectory.short(),
                child.state,
                name(child)
            );
            Said::labelled("  - ", Role::Text, text)
        }));
    }
    lines.extend([
        Said::words(Role::Heading, "where it is"),
        fact("workspace", run.workspace.clone()),
        fact("head", format!("seq {}", run.head_seq)),
        fact("changed", moment(run.at_ms)),
        fact("id", run.trajectory.to_string()),
    ]);
    lines
}

fn held(app: &App, hold: &HoldRow) -> Said {
    let number = app.session.number(hold.card.proposal).unwrap_or_default();
    let text = format!("#{number} {} {}", hold.card.effect, hold.card.line);
    Said::labelled("  - ", Role::VerdictSuspended, text)
}

fn state_role(run: &RunRow) -> Role {
    match run.state.as_str() {
        "running" | "waiting" => Role::VerdictRunning,
        "held" => Role::VerdictSuspended,
        "in doubt" => Role::VerdictUnsettled,
        "contradicts itself" => Role::Danger,
        _ => Role::Text,
    }
}

struct Rows<'a> {
    runs: &'a Runs,
    open: Option<TrajectoryId>,
    now: Timestamp,
    focused: bool,
    glyphs: Glyphs,
    theme: &'a Theme,
}

impl Items for Rows<'_> {
    fn len(&self) -> usize {
        self.runs.rows().map_or(0, <[TreeRow]>::len)
    }

    fn version(&self, at: usize) -> u64 {
        let row = self.runs.rows().and_then(|rows| rows.get(at));
        let seconds = row.map_or(0, |row| age(self.now, &row.run).len() as u64);
        let chosen = u64::from(self.runs.place(self.open) == at);
        let minute = self.now.as_ms() / 60_000;
        (self.runs.version << 40)
            ^ (minute << 8)
            ^ (seconds << 2)
            ^ (chosen << 1)
            ^ u64::from(self.focused)
    }

    fn estimate(&self, _: usize, _: usize) -> u64 {
        1
    }

    fn lines(&self, at: usize, width: usize) -> Vec<Line<'static>> {
        let Some(TreeRow { depth, run }) = self.runs.rows().and_then(|rows| rows.get(at)) else {
            return Vec::new();
        };
        let branch = match (self.glyphs, run.parent.as_ref()) {
            (_, None) => "",
            (Glyphs::Box, Some(_)) => "└ ",
            (Glyphs::Ascii, Some(_)) => "`- ",
        };
        let indent = "  ".repeat(depth.saturating_sub(1).min(16));
        let here = if Some(run.trajectory) == self.open {
            "* "
        } else {
            ""
        };
        let badge = match &run.parent {
            Some(up) if up.branched => "[branch] ",
            Some(_) => "[child] ",
            None => "",
        };
        let row = Row {
            lead: format!("{indent}{branch}"),
            text: SafeText::line(&format!(
                "{here}t-{} {badge}{}",
                run.trajectory.short(),
                name(run)
            )),
            more: SafeText::line(&spent(run)),
            tail: SafeText::line(&tail(run, self.now)),
        };
        let style = RowStyle {
            text: Role::Text,
            tail: state_role(run),
            chosen: self.runs.place(self.open) == at,
            focused: self.focused,
        };
        vec![row::line(&row, style, width, self.theme)]
    }
}

fn spent(run: &RunRow) -> String {
    let money = amount(Dimension::UsdMillicents, run.spent.usd_millicents);
    match run.spent.tool_calls {
        1 => format!("{money}, 1 call"),
        calls => format!("{money}, {calls} calls"),
    }
}

fn tail(run: &RunRow, now: Timestamp) -> String {
    let pending = match run.pending {
        0 => String::new(),
        pending => format!(" {pending}!"),
    };
    let doubt = match run.in_doubt {
        0 => String::new(),
        doubt => format!(" {doubt}?"),
    };
    format!("{}{pending}{doubt} {}", run.state, age(now, run))
}

/// Minutes are enough here: rows are not drawn anew each second.
fn age(now: Timestamp, run: &RunRow) -> String {
    match now.since(run.at_ms) {
        0..60_000 => "now".to_owned(),
        ms @ 60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => words::age(now, run.at_ms),
    }
}
