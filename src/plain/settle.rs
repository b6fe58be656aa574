//! After any event: what has become true is told, once.

use std::time::Duration;

use thymos_core::id::ProposalId;
use thymos_core::writ::Mode;
use thymos_protocol::HoldRow;

use super::ask::Leaving;
use super::state::{Plain, Printed};
use super::words::{PATIENCE, counted, labelled, number_of, span};
use super::{card, over, report};
use crate::app::{Action, Event, Overlay};
use crate::out::safe;
use crate::panes::prompt::Purpose;
use crate::panes::reader::Topic;

/// How often it is said at most that a run is still at work, in between.
const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// Layers that may close one after the other in one go.
const LAYERS_MAX: usize = 16;

impl Plain {
    pub(super) fn settle(&mut self) {
        self.opened();
        self.written_live();
        self.noticed();
        self.holds();
        self.goes_on();
        for _ in 0..LAYERS_MAX {
            if !self.layer() {
                break;
            }
        }
        // The arguments were not to be had, and why has been told.
        if self.edit.is_some() && !self.app.is_asking() {
            self.edit = None;
        }
        self.noticed();
        self.advance();
        self.drafted();
        if self.waits && !self.is_busy() {
            self.waits = false;
        }
        self.ends();
        if !self.out.is_empty() {
            self.said_at = self.now.mono;
        }
    }

    /// Another trajectory is open.
    fn opened(&mut self) {
        let Some(status) = self.app.session.status() else {
            return;
        };
        if self.trajectory == Some(status.trajectory) {
            return;
        }
        self.trajectory = Some(status.trajectory);
        self.opened_at = self.now.wall;
        self.told_from = status.head_seq.saturating_add(1);
        let before = status.head_seq;
        let in_doubt = status.in_doubt;
        let line = format!(
            "run: {} in {}, mode {}, model {}",
            status.trajectory.short(),
            safe(&status.workspace),
            status.mode,
            safe(&status.model)
        );
        self.past.clear();
        self.stream = super::stream::Stream::default();
        self.turn_is_open = false;
        self.say([line]);
        self.unsaid = 0;
        if self.goes_on {
            let before = entries(before);
            self.say([format!(
                "run: goes on after {before}. Type history to have the last ones."
            )]);
        }
        if in_doubt > 0 {
            let calls = counted(in_doubt, "call");
            self.note(format!("{calls} in doubt: begun, and without a recorded end. Type /settle to list what is in doubt."));
        }
    }

    fn written_live(&mut self) {
        let Some(live) = self.app.session.live().filter(|_| self.unsaid == 0) else {
            return;
        };
        let (text, notice) = (live.text.clone(), live.notice.clone());
        let lines = self.stream.grow(&text);
        self.say(lines);
        if self.live_notice != notice {
            if let Some(notice) = &notice {
                let notice = safe(notice);
                self.note(notice);
            }
            self.live_notice = notice;
        }
    }

    fn noticed(&mut self) {
        if self.app.notice == self.notice {
            return;
        }
        self.notice.clone_from(&self.app.notice);
        let news = self.notice.clone();
        if let Some(notice) = news.filter(|notice| !is_told_by_its_entry(&notice.line)) {
            self.note(safe(&notice.line));
            if let Some(hint) = &notice.hint {
                self.note(format!("hint: {}", safe(hint)));
            }
        }
    }

    /// Holds that are new, have changed, or are gone.
    fn holds(&mut self) {
        let rows = self.app.session.holds();
        let open = |id: &ProposalId| rows.iter().any(|row| row.card.proposal == *id);
        self.printed.retain(|id, _| open(id));
        // A card may be large, and this runs after every event: only what is to be told is copied.
        let news: Vec<(HoldRow, u32)> = rows
            .iter()
            .filter(|row| match self.printed.get(&row.card.proposal) {
                Some(Printed { card, .. }) => card.as_ref().is_some_and(|card| *card != row.card),
                None => true,
            })
            // Its number comes with its entry.
            .filter_map(|row| Some((row.clone(), self.app.session.number(row.card.proposal)?)))
            .collect();
        for (row, number) in &news {
            if self.printed.contains_key(&row.card.proposal) {
                self.note(format!(
                    "approval {number} has changed since it was printed; here it is anew. Nothing was decided"
                ));
                self.present(row, *number);
            } else if self.is_new_here(row) {
                self.present(row, *number);
            } else {
                let line = report::waiting(row, *number, self);
                self.say([line]);
                self.printed.insert(row.card.proposal, Printed::default());
            }
        }
    }

    /// Whether a hold is of this run, or of one below it, and came after it was opened.
    fn is_new_here(&self, row: &HoldRow) -> bool {
        match Some(row.trajectory) == self.trajectory {
            true => row.seq >= self.told_from,
            // The entries of another run are not counted here.
            false => self.is_here(row) && row.card.held_at >= self.opened_at,
        }
    }

    /// Prints all of a hold.
    pub(super) fn present(&mut self, row: &HoldRow, number: u32) {
        let lines = card::lines(row, number, self.now.wall);
        self.say(lines);
        let card = row.card.clone();
        self.fresh.cards.push(card.clone());
        let printed = Printed {
            card: Some(card),
            at: None,
        };
        self.printed.insert(row.card.proposal, printed);
    }

    /// Something begins to run, or has run for long without a word.
    fn goes_on(&mut self) {
        let running = self
            .app
            .session
            .status()
            .and_then(|status| status.running.clone());
        let Some(running) = running else {
            self.ran = false;
            return;
        };
        if !self.ran {
            self.ran = true;
            self.struck = false;
            self.patience = PATIENCE;
        } else if self.out.is_empty() && self.now.mono >= self.said_at + self.patience {
            self.patience = (self.patience * 2).min(PATIENCE_MAX);
            let (doing, since) = (
                safe(&running.doing),
                span(self.now.wall.since(running.since)),
            );
            self.say([format!("run: still at work for {since}: {doing}")]);
        }
    }

    /// Tells what lies over the app; whether it went away by that.
    fn layer(&mut self) -> bool {
        let Some(top) = self.app.overlays.last().cloned() else {
            self.over = None;
            return false;
        };
        match &top {
            Overlay::Reader(reader) if reader.topic == Topic::Verb => {
                let lines = reader.said().get(self.verb_lines..).unwrap_or_default();
                self.verb_lines += lines.len();
                let lines = over::read("text", lines);
                self.say(lines);
                if self.app.verb.is_some() {
                    return false;
                }
                self.verb_lines = 0;
                if !reader.title.starts_with("done") {
                    let title = safe(&reader.title);
                    self.note(title);
                }
            }
            Overlay::Reader(reader) => {
                self.say([format!("text: {}", safe(&reader.title))]);
                self.say(over::read("text", reader.said()));
            }
            Overlay::Writ => self.say(report::writ(&self.app)),
            Overlay::Prompt(prompt)
                if matches!(prompt.purpose, Purpose::Edit { .. }) && self.edit.is_some() =>
            {
                return self.other_arguments(prompt.text());
            }
            _ => {
                self.answerable(&top);
                return false;
            }
        }
        self.take(Event::Act(Action::FocusBack));
        true
    }

    /// Tells what can be answered, unless it was told as it is.
    fn answerable(&mut self, top: &Overlay) {
        let Some(told) = over::told(&self.app, top) else {
            return;
        };
        if self
            .over
            .as_ref()
            .is_some_and(|(before, _)| *before == told)
        {
            return;
        }
        self.say(told.lines.clone());
        self.fresh.over = Some(told.clone());
        self.over = Some((told, None));
    }

    /// Something stands in the composer that was not sent.
    fn drafted(&mut self) {
        let text = self.app.composer.text();
        if text == self.draft {
            return;
        }
        if !text.is_empty() {
            self.say(labelled("draft", &text));
            self.note("this is not sent. Type send, or another prompt in its place");
        }
        self.draft = text;
    }

    /// Leaves once there is nothing more to come.
    fn ends(&mut self) {
        let Leaving::AtTheEnd = self.leaving else {
            return;
        };
        let waits = self.asks_the_kernel() || self.app.verb.is_some() || self.held.is_some();
        if !self.alone && (waits || self.is_busy()) {
            return;
        }
        self.leaving = Leaving::Left;
        let open = self.open_here();
        let code = if open > 0 { 10 } else { 0 };
        if open > 0 {
            let waits = number_of(open, "approval");
            self.note(format!(
                "{waits} still open here; no timeout approves anything"
            ));
        }
        self.take(Event::End(code));
    }
}

fn entries(count: u64) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{count} entries"),
    }
}

/// A mode that was issued: its entry says the same and follows.
fn is_told_by_its_entry(line: &str) -> bool {
    let mut modes = [Mode::Plan, Mode::Edit, Mode::Auto].into_iter();
    modes.any(|mode| line == format!("mode {} is in force", mode.word()))
}
