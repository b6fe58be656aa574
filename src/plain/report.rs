//! What is printed when it is asked for: status, writ, approvals, history, an output.

use thymos_core::Timestamp;
use thymos_core::budget::Dimension;
use thymos_protocol::{ChainState, Event as Entry, HoldRow, What};

use super::state::Plain;
use super::words::{counted, labelled, number_of, span};
use super::{told, words};
use crate::app::App;
use crate::out::safe;

/// Lines told of the output of a call that is still running.
const LIVE_LINES: usize = 5;

/// One line about a hold that is not printed.
pub(super) fn waiting(row: &HoldRow, number: u32, plain: &Plain) -> String {
    let here = Some(row.trajectory) == plain.trajectory;
    let place = match here {
        true => String::new(),
        false => format!(", in run {}", row.trajectory.short()),
    };
    let card = &row.card;
    format!(
        "approval {number}: open for {}{place}: {}, effect {}. Type show {number} to have it printed.",
        span(plain.now.wall.since(card.held_at)),
        told::call(&card.tool, &card.line),
        card.effect
    )
}

/// The writ in force.
pub(super) fn writ(app: &App) -> Vec<String> {
    let Some(status) = app.session.status() else {
        return vec!["writ: none yet".to_owned()];
    };
    let writ = &status.writ;
    let until = writ.expires_at.map_or_else(
        || "without an end".to_owned(),
        |at| format!("until {} UTC", minute(at)),
    );
    let mut lines = vec![
        format!(
            "writ: {} ({}), mode {}, {until}",
            safe(&writ.name),
            writ.id.short(),
            status.mode
        ),
        format!("writ: effects {}", safe(&writ.effects)),
        format!("writ: cage {}, {}", status.rung, status.rung.describe()),
    ];
    if writ.revoked {
        lines.push("writ: revoked. Nothing is allowed until another one is in force".to_owned());
    }
    lines.extend(budget(app));
    lines
}

fn budget(app: &App) -> Vec<String> {
    let bars = app
        .session
        .status()
        .map(|status| status.writ.budget.as_slice());
    let amount = |dimension: Dimension, value: u64| match dimension {
        Dimension::UsdMillicents => {
            format!("{}.{:02} dollars", value / 100_000, value / 1_000 % 100)
        }
        Dimension::WallClockMs => span(value),
        Dimension::Tokens | Dimension::ToolCalls => value.to_string(),
    };
    let line = |bar: &thymos_protocol::BudgetBar| {
        let limit = bar.limit;
        let limit = limit.map_or_else(|| "no limit".to_owned(), |most| amount(bar.dimension, most));
        let spent = amount(bar.dimension, bar.spent);
        format!("budget: {}, {spent} of {limit}", bar.dimension)
    };
    bars.unwrap_or_default().iter().map(line).collect()
}

/// `2026-11-22 18:00`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

impl Plain {
    pub(super) fn status(&mut self) {
        let Some(status) = self.app.session.status().cloned() else {
            return self.note("no run is open");
        };
        let mut lines = vec![
            format!(
                "status: run {} in {}",
                status.trajectory.short(),
                safe(&status.workspace)
            ),
            format!(
                "status: mode {}, {}",
                status.mode,
                match status.writ.revoked {
                    true => "revoked: nothing is allowed until another one is in force".to_owned(),
                    false => format!("effects {}", safe(&status.writ.effects)),
                }
            ),
            format!("status: model {}", safe(&status.model)),
        ];
        if let Some((used, most)) = status.context {
            lines.push(format!("status: context, {used} of {most} tokens"));
        }
        lines.push(match &status.running {
            Some(running) => {
                let since = span(self.now.wall.since(running.since));
                format!("status: at work for {since}: {}", safe(&running.doing))
            }
            None => "status: nothing runs".to_owned(),
        });
        lines.extend(self.so_far());
        let open = number_of(self.app.session.holds().len(), "approval");
        lines.push(format!(
            "status: {open} open, {} in doubt",
            counted(status.in_doubt, "call")
        ));
        lines.extend(
            self.app
                .queued
                .iter()
                .map(|text| format!("status: queued: {}", safe(text))),
        );
        lines.push(match &status.chain {
            ChainState::Unverified => "status: record not verified yet".to_owned(),
            ChainState::VerifiedTo { index, len, .. } => {
                format!("status: record verified, {index} of {len} entries")
            }
            ChainState::Broken(why) => format!("status: record BROKEN: {}", safe(why)),
        });
        lines.extend(budget(&self.app));
        self.say(lines);
    }

    /// The last lines of what running calls have said so far.
    fn so_far(&self) -> Vec<String> {
        let outputs = self.app.session.live().map(|live| live.outputs.as_slice());
        let mut lines = Vec::new();
        for live in outputs.unwrap_or_default() {
            let tool = safe(&live.tool);
            lines.push(format!(
                "status: {tool} has said {} so far, its last lines:",
                counted(live.total, "byte")
            ));
            let said: Vec<&str> = live.tail.lines().collect();
            let from = said.len().saturating_sub(LIVE_LINES);
            lines.extend(
                said.iter()
                    .skip(from)
                    .flat_map(|line| labelled("output", line)),
            );
        }
        lines
    }

    pub(super) fn approvals(&mut self) {
        let rows = self.app.session.holds().to_vec();
        if rows.is_empty() {
            return self.say(["approvals: none is open".to_owned()]);
        }
        let lines: Vec<String> = rows
            .iter()
            .filter_map(|row| {
                Some(waiting(
                    row,
                    self.app.session.number(row.card.proposal)?,
                    self,
                ))
            })
            .collect();
        self.say([format!("approvals: {} open", lines.len())]);
        self.say(lines);
    }

    pub(super) fn history(&mut self, count: usize) {
        let skipped = self.past.len().saturating_sub(count);
        let entries: Vec<Entry> = self.past.iter().skip(skipped).cloned().collect();
        if entries.is_empty() {
            return self.say(["history: nothing yet".to_owned()]);
        }
        let mut lines = Vec::new();
        for entry in &entries {
            lines.extend(match &entry.what {
                What::Suspended { card, .. } => {
                    let about = told::numbered(&self.app, card.proposal);
                    vec![format!("{about}: was held, {}", words::exact(&card.line))]
                }
                _ => told::lines(entry, &self.app),
            });
        }
        self.say([format!(
            "history: the last {} follow, oldest first",
            number_of(lines.len(), "line")
        )]);
        self.say(lines);
        self.say(["history: that was all".to_owned()]);
    }

    pub(super) fn output(&mut self, seq: u64) {
        let found = self
            .past
            .iter()
            .find(|entry| entry.seq == seq)
            .map(|entry| &entry.what);
        let lines = match found {
            Some(What::Committed { observation, .. }) => {
                let lines = labelled("output", observation.trim_end_matches('\n'));
                let mut told = vec![format!(
                    "tool: output of entry {seq} follows, {}",
                    number_of(lines.len(), "line")
                )];
                told.extend(lines);
                told
            }
            Some(_) => vec![format!(
                "notice: entry {seq} is no ended call; nothing else has an output"
            )],
            None => vec![format!(
                "notice: entry {seq} is not among the last ones here. /ledger seq:{seq} looks in the record"
            )],
        };
        self.say(lines);
    }
}
