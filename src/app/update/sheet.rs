//! What the ledger does about where something comes from, and how two moments differ: asks, shows it as
//! a list, and goes where a row leads. Changes no entry.

use thymos_protocol::{Command, ProvenanceOf, Replied, WorldDiff};

use super::find::ask_cancel;
use super::ledger::{FOLDING, chosen_seq, folded, go_to, inspect_entry};
use crate::app::{Action, App, Asked, Effect, Overlay, Pane};
use crate::panes::ledger::{FileChange, Leads, LedgerAsked, Sheet, UnderWay};
use crate::panes::reader::{Reader, Said, Topic};
use crate::theme::Role;
use crate::ui::diff::{Diff, LineKind};

/// Bytes of both texts together that are compared on the spot; longer ones are said to differ.
const COMPARED_BYTES_MAX: usize = 512 * 1024;

/// While a list is shown instead of the entries.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    let Some(sheet) = &mut app.ledger.sheet else {
        return false;
    };
    match action {
        Action::ListDown => sheet.step(1),
        Action::ListUp => sheet.step(-1),
        Action::ListFirst => sheet.step(i64::MIN),
        Action::ListLast => sheet.step(i64::MAX),
        Action::ListHalfDown => sheet.step(sheet.half()),
        Action::ListHalfUp => sheet.step(-sheet.half()),
        Action::ListPageDown => sheet.step(sheet.half() * 2),
        Action::ListPageUp => sheet.step(-sheet.half() * 2),
        Action::FocusBack | Action::LedgerFollow => {
            app.ledger.sheet = None;
            return true;
        }
        Action::ListOpen => {
            open(app);
            return true;
        }
        Action::LedgerProvenance => {
            go_on(app);
            return true;
        }
        Action::CopyItem => {
            let text = sheet.text();
            app.want(Effect::Copy(text));
        }
        Action::CopyJson => {
            let json = sheet.json.clone();
            app.want(Effect::Copy(json));
        }
        Action::LedgerVerify => return false,
        Action::SearchOpen
        | Action::SearchNext
        | Action::SearchPrevious
        | Action::LedgerGoTo
        | Action::LedgerFilter
        | Action::LedgerDecisions
        | Action::LedgerReplay
        | Action::LedgerBranch
        | Action::LedgerUndo
        | Action::ListMark
        | Action::LedgerDiff => app.tell("Esc or . goes back to the entries first"),
        _ => return false,
    }
    inspect_chosen(app);
    true
}

/// The entry of the chosen row in full, beside the list.
fn inspect_chosen(app: &mut App) {
    let leads = app.ledger.sheet.as_ref().map(Sheet::leads);
    if let Some(Leads::Entry { entry, .. }) = leads {
        let entry = *entry;
        inspect_entry(app, entry);
    }
}

fn open(app: &mut App) {
    let leads = app.ledger.sheet.as_ref().map(|sheet| sheet.leads().clone());
    match leads {
        Some(Leads::Entry {
            trajectory, seq, ..
        }) => go_to(app, trajectory, seq),
        Some(Leads::File(file)) => {
            let Some(trajectory) = app.session.trajectory() else {
                return;
            };
            let command = Command::FileAt {
                trajectory,
                seq: file.from,
                path: file.path.clone(),
            };
            app.ask(Asked::Ledger(LedgerAsked::FileBefore(file)), command);
        }
        Some(Leads::Nowhere) | None => app.tell("this row leads nowhere"),
    }
}

/// Where the chosen row of the list itself comes from.
fn go_on(app: &mut App) {
    let leads = app.ledger.sheet.as_ref().map(|sheet| sheet.leads().clone());
    match leads {
        Some(Leads::Entry {
            trajectory, seq, ..
        }) => seek(app, trajectory, ProvenanceOf::Seq(seq)),
        Some(Leads::File(FileChange { path, to, .. })) => {
            if let Some(trajectory) = app.session.trajectory() {
                let resource = format!("file:{path}");
                let of = ProvenanceOf::Resource { resource, seq: to };
                seek(app, trajectory, of);
            }
        }
        Some(Leads::Nowhere) | None => app.tell("this row leads nowhere"),
    }
}

/// Asks where the chosen entry comes from, and what came of it.
pub(super) fn provenance(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    if let Some(seq) = chosen_seq(app) {
        seek(app, trajectory, ProvenanceOf::Seq(seq));
    }
}

/// As [`provenance`], of that entry.
pub(super) fn provenance_of(app: &mut App, trajectory: thymos_core::TrajectoryId, seq: u64) {
    seek(app, trajectory, ProvenanceOf::Seq(seq));
}

/// As [`provenance`], of what the chosen resource of the world holds.
pub(super) fn provenance_of_resource(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let Some(world) = &app.ledger.world else {
        return;
    };
    if let Some(row) = world.row() {
        let (resource, seq) = (row.resource.clone(), world.view.seq);
        seek(app, trajectory, ProvenanceOf::Resource { resource, seq });
    }
}

fn seek(app: &mut App, trajectory: thymos_core::TrajectoryId, of: ProvenanceOf) {
    let before = app.ledger.seeking.take();
    ask_cancel(app, before);
    app.ledger.seeks += 1;
    let ticket = app.ask(
        Asked::Ledger(LedgerAsked::Provenance(app.ledger.seeks)),
        Command::Provenance { trajectory, of },
    );
    app.ledger.seeking = Some(UnderWay::begun(ticket));
}

/// Takes how far it is, or what was found. Only to a reader who still waits for it.
pub(super) fn sought(app: &mut App, seek: u64, replied: Replied) {
    let Some(seeking) = app.ledger.seeking.filter(|_| seek == app.ledger.seeks) else {
        return;
    };
    match replied {
        Replied::Looking { done, of } => {
            app.ledger.seeking = Some(UnderWay {
                done,
                of,
                ..seeking
            });
        }
        Replied::Provenance(found) => {
            app.ledger.seeking = None;
            if let Some(found) = found {
                app.ledger.sheet = Some(Sheet::of_provenance(&found));
                inspect_chosen(app);
            }
        }
        _ => {}
    }
}

/// Ends looking for a provenance; `false` when none is looked for.
pub(super) fn cancel(app: &mut App) -> bool {
    let seeking = app.ledger.seeking.take();
    ask_cancel(app, seeking);
    if seeking.is_some() {
        app.tell("stopped looking");
    }
    seeking.is_some()
}

/// Compares the world after the marked entry with that after the chosen one.
pub(super) fn diff(app: &mut App) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let Some(marked) = app.ledger.marked else {
        app.tell("mark an entry with m first");
        return;
    };
    if let Some(seq) = chosen_seq(app) {
        app.tell(FOLDING);
        app.ask(
            Asked::Ledger(LedgerAsked::Diff),
            Command::WorldDiff {
                trajectory,
                from_seq: marked.min(seq),
                to_seq: marked.max(seq),
            },
        );
    }
}

/// Shows how they differ, to a reader who is still there.
pub(super) fn differs(app: &mut App, diff: &WorldDiff) {
    folded(app);
    if app.overlays.is_empty() && app.ledger.world.is_none() {
        app.ledger.sheet = Some(Sheet::of_difference(diff));
    }
}

/// Asks for the second of two states of a file.
pub(super) fn ask_after(app: &mut App, file: FileChange, before: Option<String>) {
    if let Some(trajectory) = app.session.trajectory() {
        let command = Command::FileAt {
            trajectory,
            seq: file.to,
            path: file.path.clone(),
        };
        app.ask(Asked::Ledger(LedgerAsked::FileAfter(file, before)), command);
    }
}

/// Shows how a file differs, to a reader who is still at that list.
pub(super) fn file_differs(
    app: &mut App,
    file: &FileChange,
    before: Option<String>,
    after: Option<String>,
) {
    let there =
        app.overlays.is_empty() && app.focus.pane() == Pane::Ledger && app.ledger.sheet.is_some();
    if !there {
        return;
    }
    if before.is_none() && after.is_none() {
        return app.tell("the content of neither was kept");
    }
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let lines = match before.len() + after.len() > COMPARED_BYTES_MAX {
        true => vec![Said::words(
            Role::Muted,
            "too long to be compared here; `thymos replay --file` prints each",
        )],
        false => changed_lines(&Diff::of(&before, &after)),
    };
    let title = format!("{} from seq {} to seq {}", file.path, file.from, file.to);
    let reader = Reader::new(Topic::Difference, title, lines);
    app.overlays.push(Overlay::Reader(Box::new(reader)));
}

fn changed_lines(diff: &Diff) -> Vec<Said> {
    if diff.hunks.is_empty() {
        return vec![Said::words(Role::Muted, "the text is the same")];
    }
    let hunks = diff.hunks.iter().enumerate();
    hunks
        .flat_map(|(at, hunk)| {
            let gap = (at > 0).then(|| Said::words(Role::Muted, ".."));
            let lines = hunk.lines.iter().map(|line| {
                let (mark, role) = match line.kind {
                    LineKind::Same => (" ", Role::Text),
                    LineKind::Added => ("+", Role::DiffAdd),
                    LineKind::Removed => ("-", Role::DiffDel),
                };
                Said::exact(role, format!("{mark} {}", line.text))
            });
            gap.into_iter().chain(lines)
        })
        .collect()
}
