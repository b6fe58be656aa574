//! What the ledger does with its actions, and what it makes of replies. Changes no entry.

use thymos_protocol::{Command, Replied, WorldView};

use crate::app::{Action, App, Asked, Effect, Overlay, Pane, Screen};
use crate::panes::ledger::row::told;
use crate::panes::ledger::world::{difference, file_path};
use crate::panes::ledger::{Filtered, LedgerAsked, Verification, World, report};
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::reader::{Reader, Said, Topic};
use crate::theme::Role;

/// What people decided.
const DECISIONS: &str = "verdict:approved,denied by:human";

/// Whether the ledger took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
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
        Action::SearchOpen => ask_line(app, Purpose::Search, String::new()),
        Action::SearchNext => hit(app, true),
        Action::SearchPrevious => hit(app, false),
        Action::LedgerDecisions => decisions(app),
        Action::LedgerVerify => verify(app),
        Action::LedgerReplay => world(app),
        Action::ListMark => mark(app),
        Action::LedgerDiff => diff(app),
        Action::CopyItem | Action::CopyJson => copy(app, action),
        // One step back at a time: first what hides entries goes.
        Action::FocusBack if app.ledger.filtered.is_some() => app.ledger.show_all(),
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
        Action::SearchOpen
        | Action::SearchNext
        | Action::SearchPrevious
        | Action::LedgerFilter
        | Action::LedgerDecisions
        | Action::LedgerReplay
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
    app.ledger.show_all();
    app.ledger.choose(seq);
    inspect(app);
}

/// Asks for what a filter lets through; the empty one lets everything through.
pub(super) fn filter(app: &mut App, text: &str) {
    if text.is_empty() {
        app.ledger.show_all();
        super::prompt::close(app, &Purpose::Filter);
        return;
    }
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    app.ledger.filtering = Some(text.to_owned());
    app.ask(
        Asked::Ledger(LedgerAsked::Find(text.to_owned())),
        Command::Find {
            trajectory: Some(trajectory),
            filter: text.to_owned(),
        },
    );
}

/// Asks where a text stands, in the whole trajectory, loaded or not.
pub(super) fn search(app: &mut App, text: &str) {
    app.ledger.search = None;
    let Some(trajectory) = app.session.trajectory().filter(|_| !text.is_empty()) else {
        return;
    };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    app.ask(
        Asked::Ledger(LedgerAsked::Search(text.to_owned())),
        Command::Find {
            trajectory: Some(trajectory),
            filter: format!("text:\"{quoted}\""),
        },
    );
}

/// After any event: hears how long the trajectory is, and asks for what is in view.
pub(super) fn settle(app: &mut App) {
    let head = app.session.status().map_or(0, |status| status.head_seq + 1);
    let len = match app.session.trajectory() {
        Some(_) => head.max(app.session.next_seq()),
        None => 0,
    };
    let before = app.ledger.trajectory();
    app.ledger.sync(app.session.trajectory(), len);
    if before != app.ledger.trajectory() {
        app.inspector.clear();
    }
    if app.focus.screen() == Screen::Ledger
        && let Some((trajectory, from_seq, count)) = app.ledger.wanted()
    {
        let page = from_seq / crate::panes::ledger::PAGE;
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

/// Takes a reply. None of them moves the focus.
pub(super) fn heard(app: &mut App, asked: LedgerAsked, replied: Replied) {
    match (asked, replied) {
        (LedgerAsked::Page(page), Replied::Page(found)) => app.ledger.take_page(page, found.events),
        // A filter that another has taken the place of is not shown any more.
        (LedgerAsked::Find(text), Replied::Page(found))
            if app.ledger.filtering.as_deref() == Some(&text) =>
        {
            super::prompt::close(app, &Purpose::Filter);
            app.ledger.filtering = None;
            let len = app.ledger.len();
            app.ledger.show_filtered(Filtered {
                text,
                events: found.events,
                len,
            });
        }
        (LedgerAsked::Search(text), Replied::Page(found)) => {
            let seqs: Vec<u64> = found.events.iter().map(|event| event.seq).collect();
            app.ledger.search = Some((text, seqs));
            hit(app, true);
        }
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
        (LedgerAsked::World(_), Replied::World(view)) => app.ledger.world = Some(World::new(view)),
        (LedgerAsked::DiffFrom(from, to), Replied::World(view)) => diff_to(app, (from, to), view),
        (LedgerAsked::DiffTo, Replied::World(view)) => show_diff(app, &view),
        (LedgerAsked::File(seq, path), Replied::FileText(text)) => read(app, seq, &path, text),
        (LedgerAsked::Detail(_), Replied::Detail(detail)) => app.inspector.take(*detail),
        _ => {}
    }
}

/// A question of the ledger's came to nothing; the status line says why.
pub(super) fn failed(app: &mut App, asked: &LedgerAsked, message: &str) {
    match asked {
        LedgerAsked::Page(_) => app.ledger.page_failed(),
        LedgerAsked::Find(_) => {
            app.ledger.filtering = None;
            super::prompt::filter_failed(app, asked, message);
        }
        LedgerAsked::Verify => {
            app.ledger.verification = Verification::Failed(message.to_owned());
            rewrite_report(app);
        }
        LedgerAsked::Search(_)
        | LedgerAsked::World(_)
        | LedgerAsked::DiffFrom(..)
        | LedgerAsked::DiffTo
        | LedgerAsked::File(..)
        | LedgerAsked::Detail(_) => {}
    }
}

fn step(app: &mut App, by: i64) {
    app.ledger.step(by);
    inspect(app);
}

/// Asks for the chosen entry in full.
fn inspect(app: &mut App) {
    let Some(event) = app.ledger.chosen_event() else {
        return;
    };
    let entry = event.entry;
    if app.inspector.wanted != Some(entry) {
        app.inspector.wanted = Some(entry);
        app.ask(
            Asked::Ledger(LedgerAsked::Detail(entry)),
            Command::Inspect { entry },
        );
    }
}

fn ask_line(app: &mut App, purpose: Purpose, text: String) {
    app.overlays
        .push(Overlay::Prompt(Prompt::new(purpose, text)));
}

fn hit(app: &mut App, forward: bool) {
    if app.ledger.next_hit(forward) {
        inspect(app);
    } else if let Some((text, _)) = &app.ledger.search {
        let line = format!("`{text}` stands nowhere here");
        app.tell(line);
    } else {
        app.tell("nothing searched for yet; / searches");
    }
}

/// What people decided, or everything again.
fn decisions(app: &mut App) {
    let on = app
        .ledger
        .filtered
        .as_ref()
        .is_some_and(|filtered| filtered.text == DECISIONS);
    filter(app, if on { "" } else { DECISIONS });
}

fn verify(app: &mut App) {
    if !matches!(app.ledger.verification, Verification::Running(_)) {
        app.ledger.verification = Verification::Running(None);
        // The whole ledger either way; with a run in view, also run by run.
        let trajectory = app.session.trajectory();
        let command =
            trajectory.map_or(Command::Verify, |trajectory| Command::Replay { trajectory });
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

fn chosen_seq(app: &mut App) -> Option<u64> {
    let seq = app.ledger.chosen_event().map(|event| event.seq);
    if seq.is_none() {
        app.tell("this entry is not loaded yet");
    }
    seq
}

fn world(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    if let Some(seq) = chosen_seq(app) {
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

/// Compares the world after the marked entry with that after the chosen one.
fn diff(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let Some(marked) = app.ledger.marked else {
        app.tell("mark an entry with m first");
        return;
    };
    if let Some(seq) = chosen_seq(app) {
        let (from, to) = (marked.min(seq), marked.max(seq));
        app.ask(
            Asked::Ledger(LedgerAsked::DiffFrom(from, to)),
            Command::WorldAt {
                trajectory,
                seq: from,
            },
        );
    }
}

fn diff_to(app: &mut App, (_, to): (u64, u64), view: WorldView) {
    if let Some(trajectory) = app.session.trajectory() {
        app.ledger.compared = Some(view);
        app.ask(
            Asked::Ledger(LedgerAsked::DiffTo),
            Command::WorldAt {
                trajectory,
                seq: to,
            },
        );
    }
}

fn show_diff(app: &mut App, to: &WorldView) {
    let Some(from) = app.ledger.compared.take() else {
        return;
    };
    if !app.overlays.is_empty() || app.focus.screen() != Screen::Ledger {
        return;
    }
    let changed = difference(&from, to);
    let mut lines: Vec<Said> = changed
        .iter()
        .map(|line| {
            let role = match line.chars().next() {
                Some('+') => Role::DiffAdd,
                Some('-') => Role::DiffDel,
                Some(_) | None => Role::Text,
            };
            Said::words(role, line.clone())
        })
        .collect();
    if lines.is_empty() {
        lines.push(Said::words(Role::Muted, "the two worlds are the same"));
    }
    let title = format!("the world from seq {} to seq {}", from.seq, to.seq);
    let reader = Reader::new(Topic::Difference, title, lines);
    app.overlays.push(Overlay::Reader(Box::new(reader)));
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
