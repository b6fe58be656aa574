//! Filtering the ledger and searching it: asked for, taken as it is found, ended when nobody wants it any
//! more. Waits for nothing.

use thymos_protocol::{Among, Command, Found};

use super::ledger::inspect;
use crate::app::{App, Asked};
use crate::panes::ledger::{Hits, LedgerAsked, UnderWay};
use crate::panes::prompt::Purpose;

/// What people decided.
const DECISIONS: &str = "verdict:approved,denied by:human";

/// Asks for what a filter lets through; the empty one lets everything through.
pub(super) fn filter(app: &mut App, text: &str) {
    end_filter(app);
    if text.is_empty() {
        let before = app.ledger.is_of_log();
        app.ledger.show_all();
        drop_foreign_hits(app, before);
        super::prompt::close(app, &Purpose::Filter);
        return;
    }
    let Some(trajectory) = app.session.trajectory() else {
        super::prompt::fault(app, &Purpose::Filter, "nothing is open yet");
        return;
    };
    app.ledger.filtering = Some(text.to_owned());
    app.ledger.searches += 1;
    let ticket = app.ask(
        Asked::Ledger(LedgerAsked::Find(app.ledger.searches)),
        Command::Find {
            among: Among::RunOrNamed(trajectory),
            filter: text.to_owned(),
        },
    );
    app.ledger.finding = Some(UnderWay::begun(ticket));
}

/// What people decided, or everything again.
pub(super) fn decisions(app: &mut App) {
    let filtered = app.ledger.filtered.as_ref();
    let on = filtered.is_some_and(|filtered| filtered.text == DECISIONS);
    filter(app, if on { "" } else { DECISIONS });
}

/// Takes what the filter let through since it last told. What an earlier filter finds is not shown.
pub(super) fn found(app: &mut App, search: u64, found: Found) {
    let Some(finding) = app.ledger.finding.filter(|_| search == app.ledger.searches) else {
        return;
    };
    super::prompt::close(app, &Purpose::Filter);
    app.ledger.finding = match found.end {
        Some(_) => None,
        None => Some(UnderWay {
            done: found.looked_at,
            of: found.of,
            ..finding
        }),
    };
    let before = app.ledger.is_of_log();
    app.ledger.take_found(found);
    drop_foreign_hits(app, before);
}

/// Where a text stands in a run says nothing of the log, and the other way round.
fn drop_foreign_hits(app: &mut App, was_of_log: bool) {
    if app.ledger.is_of_log() != was_of_log {
        end_search(app);
        app.ledger.search = None;
    }
}

/// A filter that is not understood, or a record that cannot be read.
pub(super) fn failed(app: &mut App, search: u64, message: &str) {
    if search == app.ledger.searches {
        app.ledger.filtering = None;
        app.ledger.finding = None;
        super::prompt::fault(app, &Purpose::Filter, message);
    }
}

/// Asks where a text stands, in the whole trajectory, loaded or not; or in the whole log where that is shown.
pub(super) fn search(app: &mut App, text: &str) {
    end_search(app);
    app.ledger.search = None;
    let Some(trajectory) = app.session.trajectory().filter(|_| !text.is_empty()) else {
        return;
    };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let ticket = app.ask(
        Asked::Ledger(LedgerAsked::Search(app.ledger.text_searches + 1)),
        Command::Find {
            among: if app.ledger.is_of_log() {
                Among::Log
            } else {
                Among::Run(trajectory)
            },
            filter: format!("text:\"{quoted}\""),
        },
    );
    app.ledger.text_searches += 1;
    app.ledger.search = Some(Hits::new(text));
    app.ledger.searching = Some(UnderWay::begun(ticket));
}

/// Takes where the text stands; goes to the next place as soon as there is one.
pub(super) fn hits(app: &mut App, search: u64, found: &Found) {
    let searching = app.ledger.searching;
    let Some(searching) = searching.filter(|_| search == app.ledger.text_searches) else {
        return;
    };
    let ended = found.end.is_some();
    app.ledger.searching = (!ended).then_some(UnderWay {
        done: found.looked_at,
        of: found.of,
        ..searching
    });
    let here = app.ledger.here();
    let Some(hits) = &mut app.ledger.search else {
        return;
    };
    hits.take(found);
    // Before the end, one that stands before the reader is not the next one.
    if !hits.shown && (ended || hits.is_beyond(here)) {
        hits.shown = true;
        hit(app, true);
    }
}

/// The record could not be read.
pub(super) fn search_failed(app: &mut App, search: u64) {
    if search == app.ledger.text_searches {
        app.ledger.searching = None;
    }
}

/// Goes to the next place of the text, or the one before.
pub(super) fn hit(app: &mut App, forward: bool) {
    if app.ledger.next_hit(forward) {
        inspect(app);
        return;
    }
    let line = match &app.ledger.search {
        None => "nothing searched for yet; / searches".to_owned(),
        Some(hits) if !hits.is_empty() => "the filter hides it; Esc shows all entries".to_owned(),
        Some(_) if app.ledger.searching.is_some() => "still looking".to_owned(),
        Some(hits) => format!("`{}` stands nowhere here", hits.text),
    };
    app.tell(line);
}

/// Ends what is being looked for, the filter first; `false` when nothing is.
pub(super) fn cancel(app: &mut App) -> bool {
    let ended = app.ledger.finding.or(app.ledger.searching);
    if app.ledger.finding.is_some() && app.ledger.filtered.is_some() {
        // What was found stays; the last reply says how far it came.
        let finding = app.ledger.finding;
        ask_cancel(app, finding);
    } else if app.ledger.finding.is_some() {
        filter(app, "");
    } else {
        end_search(app);
    }
    if ended.is_some() {
        app.tell("stopped looking; what was found stays");
    }
    ended.is_some()
}

fn end_filter(app: &mut App) {
    let finding = app.ledger.finding.take();
    ask_cancel(app, finding);
}

fn end_search(app: &mut App) {
    let searching = app.ledger.searching.take();
    ask_cancel(app, searching);
}

/// Asks the kernel to end it, if anything is under way.
pub(super) fn ask_cancel(app: &mut App, under_way: Option<UnderWay>) {
    if let Some(UnderWay { ticket, .. }) = under_way {
        app.ask(
            Asked::Ledger(LedgerAsked::Cancel),
            Command::Cancel { ticket },
        );
    }
}
