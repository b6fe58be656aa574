//! What the ledger does with its actions, and what it makes of replies. Changes no entry.

use thymos_core::EntryId;
use thymos_protocol::{Command, Event, Replied};

use super::{find, sheet};
use crate::app::{Action, App, Asked, Effect, Overlay, Pane, Screen};
use crate::panes::ledger::row::told;
use crate::panes::ledger::world::file_path;
use crate::panes::ledger::{LedgerAsked, Verification, Wanted, World, report};
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::reader::{Reader, Said, Topic};
use crate::theme::Role;

/// Told until a world has come: folding a long run takes a moment.
pub(super) const FOLDING: &str = "folding the record ..";

/// The world has come.
pub(super) fn folded(app: &mut App) {
    if app
        .notice
        .as_ref()
        .is_some_and(|notice| notice.line == FOLDING)
    {
        app.notice = None;
    }
}

/// Whether the ledger took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    // What goes on is ended before anything is left.
    if action == Action::FocusBack && (sheet::cancel(app) || find::cancel(app)) {
        return true;
    }
    if app.ledger.sheet.is_some() && sheet::act(app, action) {
        return true;
    }
    if app.ledger.world.is_some() && in_world(app, action) {
        return true;
    }
    match action {
        Action::ListDown => step(app, 1),
        Action::ListUp => step(app, -1),
        Action::ListFirst => step(app, i64::MIN),
        Action::ListLast | Action::LedgerFollow => app.ledger.follow(),
        Action::ListHalfDown => step(app, app.ledger.half()),
        Action::ListHalfUp => step(app, -app.ledger.half()),
        Action::ListPageDown => step(app, app.ledger.half() * 2),
        Action::ListPageUp => step(app, -app.ledger.half() * 2),
        Action::ListOpen => {
            inspect(app);
            app.focus.enter(Pane::Inspector, app.now.mono);
        }
        Action::LedgerFilter => {
            let text = app.ledger.filtered.as_ref();
            let text = text.map_or_else(String::new, |filtered| filtered.text.clone());
            ask_line(app, Purpose::Filter, text);
        }
        Action::LedgerGoTo => ask_line(app, Purpose::GoTo, String::new()),
        Action::SearchOpen => ask_line(app, Purpose::Search, String::new()),
        Action::SearchNext => find::hit(app, true),
        Action::SearchPrevious => find::hit(app, false),
        Action::LedgerDecisions => find::decisions(app),
        Action::LedgerVerify => verify(app),
        Action::LedgerReplay => world(app),
        Action::ListMark => mark(app),
        Action::LedgerDiff => sheet::diff(app),
        Action::LedgerProvenance => sheet::provenance(app),
        Action::LedgerOpenRun => in_its_run(app),
        Action::CopyItem | Action::CopyJson => copy(app, action),
        // One step back at a time: first what hides entries goes.
        Action::FocusBack if app.ledger.filtered.is_some() => find::filter(app, ""),
        _ => return false,
    }
    true
}

/// While the world of an entry is shown.
fn in_world(app: &mut App, action: Action) -> bool {
    let Some(world) = &mut app.ledger.world else {
        return false;
    };
    match action {
        Action::ListDown => world.step(1),
        Action::ListUp => world.step(-1),
        Action::ListFirst => world.step(i64::MIN),
        Action::ListLast => world.step(i64::MAX),
        Action::ListHalfDown => world.step(world.half()),
        Action::ListHalfUp => world.step(-world.half()),
        Action::ListPageDown => world.step(world.half() * 2),
        Action::ListPageUp => world.step(-world.half() * 2),
        Action::FocusBack | Action::LedgerFollow => app.ledger.world = None,
        Action::ListOpen => file(app),
        Action::CopyItem => {
            if let Some(row) = world.row() {
                let text = format!("{} {}", row.resource, row.value);
                app.want(Effect::Copy(text));
            }
        }
        Action::LedgerVerify => verify(app),
        Action::LedgerProvenance => sheet::provenance_of_resource(app),
        Action::SearchOpen
        | Action::LedgerGoTo
        | Action::SearchNext
        | Action::SearchPrevious
        | Action::LedgerFilter
        | Action::LedgerDecisions
        | Action::LedgerReplay
        | Action::LedgerOpenRun
        | Action::ListMark
        | Action::LedgerDiff => app.tell("Esc or . goes back to the head first"),
        _ => return false,
    }
    true
}

/// Goes to an entry of any trajectory; one that is not open is opened first.
pub(super) fn go_to(app: &mut App, trajectory: thymos_core::TrajectoryId, seq: u64) {
    app.focus.go(Screen::Ledger, app.now.mono);
    if app.session.trajectory() == Some(trajectory) {
        show(app, seq);
    } else {
        app.ask(Asked::OpenAt(seq), Command::Open { trajectory });
    }
}

/// Chooses that entry of the open trajectory, whatever hid it.
pub(super) fn show(app: &mut App, seq: u64) {
    settle(app);
    app.ledger.world = None;
    app.ledger.sheet = None;
    find::filter(app, "");
    app.ledger.choose(seq);
    inspect(app);
}

/// After any event: hears how long the trajectory is, and asks for what is in view.
pub(super) fn settle(app: &mut App) {
    let head = app.session.status().map_or(0, |status| status.head_seq + 1);
    let len = match app.session.trajectory() {
        Some(_) => head.max(app.session.next_seq()),
        None => 0,
    };
    let (before, under_way) = (app.ledger.trajectory(), app.ledger.under_way());
    app.ledger.sync(app.session.trajectory(), len);
    if before != app.ledger.trajectory() {
        for one in under_way {
            find::ask_cancel(app, one);
        }
        app.inspector.clear();
    }
    if app.focus.screen() != Screen::Ledger {
        return;
    }
    match app.ledger.wanted() {
        None => {}
        Some((
            trajectory,
            Wanted::Rows {
                page,
                places,
                of_log,
            },
        )) => {
            let asked = Asked::Ledger(LedgerAsked::Rows(page));
            let trajectory = (!of_log).then_some(trajectory);
            app.ask(asked, Command::Rows { trajectory, places });
        }
        Some((
            trajectory,
            Wanted::Page {
                page,
                from_seq,
                count,
            },
        )) => {
            app.ask(
                Asked::Ledger(LedgerAsked::Page(page)),
                Command::Page {
                    trajectory,
                    from_seq,
                    limit: usize::try_from(count).unwrap_or(usize::MAX),
                },
            );
        }
    }
}

/// Takes a reply. None of them moves the focus.
pub(super) fn heard(app: &mut App, asked: LedgerAsked, replied: Replied) {
    match (asked, replied) {
        (LedgerAsked::Page(page), Replied::Page(found)) => app.ledger.take_page(page, found.events),
        (LedgerAsked::Rows(page), Replied::Page(found)) => app.ledger.take_rows(page, found.events),
        (LedgerAsked::Find(search), Replied::Found(found)) => find::found(app, search, found),
        (LedgerAsked::Search(search), Replied::Found(found)) => find::hits(app, search, &found),
        (LedgerAsked::Verify, Replied::Verifying(progress)) => {
            app.ledger.verification = Verification::Running(Some(progress));
            rewrite_report(app);
        }
        (LedgerAsked::Verify, Replied::Verified(report)) => {
            app.ledger.verification = Verification::Done(report);
            rewrite_report(app);
        }
        (LedgerAsked::Verify, Replied::Replayed(report)) => {
            app.ledger.verification = Verification::Replayed(report);
            rewrite_report(app);
        }
        (LedgerAsked::World(_), Replied::World(view)) => {
            folded(app);
            app.ledger.world = Some(World::new(view));
        }
        (LedgerAsked::Diff, Replied::WorldDiff(diff)) => sheet::differs(app, &diff),
        (LedgerAsked::Provenance(seek), replied) => sheet::sought(app, seek, replied),
        (LedgerAsked::FileBefore(file), Replied::FileText(text)) => {
            sheet::ask_after(app, file, text);
        }
        (LedgerAsked::FileAfter(file, before), Replied::FileText(after)) => {
            sheet::file_differs(app, &file, before, after);
        }
        (LedgerAsked::File(seq, path), Replied::FileText(text)) => read(app, seq, &path, text),
        (LedgerAsked::Detail(_), Replied::Detail(detail)) => app.inspector.take(*detail),
        _ => {}
    }
}

/// A question of the ledger's came to nothing; the status line says why.
pub(super) fn failed(app: &mut App, asked: &LedgerAsked, message: &str) {
    match asked {
        LedgerAsked::Page(_) | LedgerAsked::Rows(_) => app.ledger.page_failed(),
        LedgerAsked::Find(search) => find::failed(app, *search, message),
        LedgerAsked::Search(search) => find::search_failed(app, *search),
        LedgerAsked::Provenance(seek) if *seek == app.ledger.seeks => app.ledger.seeking = None,
        LedgerAsked::Verify => {
            app.ledger.verification = Verification::Failed(message.to_owned());
            rewrite_report(app);
        }
        LedgerAsked::Provenance(_)
        | LedgerAsked::Cancel
        | LedgerAsked::World(_)
        | LedgerAsked::Diff
        | LedgerAsked::FileBefore(_)
        | LedgerAsked::FileAfter(..)
        | LedgerAsked::File(..)
        | LedgerAsked::Detail(_) => {}
    }
}

fn step(app: &mut App, by: i64) {
    app.ledger.step(by);
    inspect(app);
}

/// Asks for the chosen entry in full.
pub(super) fn inspect(app: &mut App) {
    if let Some(event) = app.ledger.chosen_event() {
        let entry = event.entry;
        inspect_entry(app, entry);
    }
}

/// Asks for an entry in full, unless it is the one that is shown.
pub(super) fn inspect_entry(app: &mut App, entry: EntryId) {
    if app.inspector.wanted != Some(entry) {
        app.inspector.wanted = Some(entry);
        app.ask(
            Asked::Ledger(LedgerAsked::Detail(entry)),
            Command::Inspect { entry },
        );
    }
}

/// Goes to the entry that was typed: a sequence number, or `m` for the marked one.
pub(super) fn go_to_typed(app: &mut App, text: &str) {
    let seq = match text {
        "m" if app.ledger.is_of_log() => {
            Err("the marked entry is one of the open run; Esc shows it")
        }
        "m" => app.ledger.marked.ok_or("no entry is marked; m marks one"),
        number => number
            .parse()
            .map_err(|_| "type the number of an entry, or m for the marked one"),
    };
    let len = app.ledger.places();
    let seq = seq.and_then(|seq: u64| match seq < len {
        true => Ok(seq),
        false => Err("there is no such entry yet"),
    });
    match seq {
        Ok(seq) => {
            super::prompt::close(app, &Purpose::GoTo);
            if !app.ledger.choose_place(seq) {
                app.tell("the filter hides it; Esc shows all entries");
                return;
            }
            inspect(app);
        }
        Err(why) => {
            super::prompt::fault(app, &Purpose::GoTo, why);
        }
    }
}

fn ask_line(app: &mut App, purpose: Purpose, text: String) {
    app.overlays
        .push(Overlay::Prompt(Prompt::new(purpose, text)));
}

fn verify(app: &mut App) {
    if !matches!(app.ledger.verification, Verification::Running(_)) {
        app.ledger.verification = Verification::Running(None);
        // The whole ledger either way; with a run in view, also run by run.
        let trajectory = app.session.trajectory();
        let command = trajectory.map_or(Command::Verify { since_last: false }, |trajectory| {
            Command::Replay { trajectory }
        });
        app.ask(Asked::Ledger(LedgerAsked::Verify), command);
    }
    let reader = report::reader(&app.ledger.verification);
    app.overlays.push(Overlay::Reader(Box::new(reader)));
}

/// The report on screen follows what is known.
fn rewrite_report(app: &mut App) {
    let lines = report::lines(&app.ledger.verification);
    for overlay in &mut app.overlays {
        if let Overlay::Reader(reader) = overlay
            && reader.topic == Topic::Verify
        {
            reader.rewrite(lines.clone());
        }
    }
}

/// The chosen entry, when it is loaded and one of the open run; or says why not.
pub(super) fn chosen_here(app: &mut App) -> Option<Event> {
    match app.ledger.chosen_event().cloned() {
        None => app.tell("this entry is not loaded yet"),
        Some(event) if app.ledger.trajectory() != Some(event.trajectory) => {
            let run = event.trajectory.short();
            app.tell(format!("this entry is one of run {run}; o goes there"));
        }
        here => return here,
    }
    None
}

pub(super) fn chosen_seq(app: &mut App) -> Option<u64> {
    chosen_here(app).map(|event| event.seq)
}

/// Shows the chosen entry in its own run, which is opened.
fn in_its_run(app: &mut App) {
    match app.ledger.chosen_event() {
        Some(event) => go_to(app, event.trajectory, event.seq),
        None => app.tell("this entry is not loaded yet"),
    }
}

fn world(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    if let Some(seq) = chosen_seq(app) {
        app.tell(FOLDING);
        app.ask(
            Asked::Ledger(LedgerAsked::World(seq)),
            Command::WorldAt { trajectory, seq },
        );
    }
}

fn mark(app: &mut App) {
    if let Some(seq) = chosen_seq(app) {
        let marked = app.ledger.marked == Some(seq);
        app.ledger.marked = (!marked).then_some(seq);
    }
}

/// Asks for the chosen file as it was.
fn file(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let Some(world) = &app.ledger.world else {
        return;
    };
    let seq = world.view.seq;
    match world.row().and_then(file_path).map(str::to_owned) {
        Some(path) => {
            app.ask(
                Asked::Ledger(LedgerAsked::File(seq, path.clone())),
                Command::FileAt {
                    trajectory,
                    seq,
                    path,
                },
            );
        }
        None => app.tell("only files have text of their own"),
    }
}

/// Shows a file as it was, to a person who is still at that world.
fn read(app: &mut App, seq: u64, path: &str, text: Option<String>) {
    let there = app.overlays.is_empty()
        && app.focus.pane() == Pane::Ledger
        && app
            .ledger
            .world
            .as_ref()
            .is_some_and(|world| world.view.seq == seq);
    if !there {
        return;
    }
    match text {
        Some(text) => {
            let lines = text
                .lines()
                .map(|line| Said::exact(Role::Text, line))
                .collect();
            let title = format!("{path} at seq {seq}");
            let reader = Reader::new(Topic::File, title, lines);
            app.overlays.push(Overlay::Reader(Box::new(reader)));
        }
        None => app.tell("it did not exist then, or its content was not kept"),
    }
}

fn copy(app: &mut App, action: Action) {
    let Some(event) = app.ledger.chosen_event() else {
        return;
    };
    let text = if action == Action::CopyJson {
        serde_json::to_string(event).unwrap_or_default()
    } else {
        format!("{} {} {}", event.seq, event.kind, told(event).what)
    };
    app.want(Effect::Copy(text));
}
