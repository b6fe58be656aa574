//! What is done about the past: branch off it, undo it, grant what was refused, do it again.
//!
//! Each is shown first and asked about; the kernel does it, through the gate where it acts.

use thymos_core::body::Role as Speaker;
use thymos_core::trace::Clause;
use thymos_core::{EntryId, IntentId, TrajectoryId};
use thymos_protocol::{Command, Event, GrantPreview, Ticket, UndoEnd, UndoPlan, UndoStep, What};

use crate::app::session::{Did, Group, Item, Step};
use crate::app::{Action, App, Asked, Notice, Overlay};
use crate::panes::conversation::call;
use crate::panes::question::{Deed, Question};
use crate::panes::reader::Said;
use crate::theme::Role;

use super::ledger::chosen_here;
use super::{question, usable};

/// Whether it is one of the actions about the past that work anywhere.
pub(super) fn anywhere(app: &mut App, action: Action) -> bool {
    match action {
        Action::TrajectoryUndo => match last_said(app) {
            Some(seq) => plan(app, seq),
            None => usable::tell_why(app, action),
        },
        Action::TrajectoryBranch => match last_commit(app) {
            Some((entry, seq)) => branch(app, entry, seq),
            None => usable::tell_why(app, action),
        },
        _ => return false,
    }
    true
}

/// Whether the action is about the refused call that is chosen in the transcript.
pub(super) fn in_transcript(app: &mut App, action: Action) -> bool {
    let about = match app.conversation.selected(&app.session) {
        Some(Item::Group(group)) => about_group(group),
        Some(Item::Said(_) | Item::Notice(_)) | None => None,
    };
    on_refusal(app, action, about)
}

/// Whether the action is about the entry that is chosen in the ledger.
pub(super) fn in_ledger(app: &mut App, action: Action) -> bool {
    match action {
        Action::LedgerUndo => {
            if let Some(event) = chosen_here(app) {
                plan(app, event.seq);
            }
        }
        Action::LedgerBranch => match chosen_here(app) {
            Some(event) if matches!(event.what, What::Committed { .. }) => {
                branch(app, event.entry, event.seq);
            }
            Some(_) => app.tell("a branch starts from a commit; this entry is none"),
            None => {}
        },
        other => {
            let event = app.ledger.chosen_event();
            let own = event.filter(|event| app.ledger.trajectory() == Some(event.trajectory));
            let about = own.and_then(about_event);
            return on_refusal(app, other, about);
        }
    }
    true
}

/// A refused call, as far as something can be done about it.
struct Refusal {
    entry: EntryId,
    intent: Option<IntentId>,
    line: String,
    clause: Clause,
    suggested: bool,
    denied: bool,
}

fn about_group(group: &Group) -> Option<Refusal> {
    let found = |step: &Step| match &step.did {
        Did::Rejected {
            clause,
            suggestion,
            denied,
            ..
        } => Some(Refusal {
            entry: step.entry,
            intent: group.intent(),
            line: call(group),
            clause: *clause,
            suggested: suggestion.is_some(),
            denied: *denied,
        }),
        _ => None,
    };
    group.steps.iter().rev().find_map(found)
}

fn about_event(event: &Event) -> Option<Refusal> {
    match &event.what {
        What::Rejected {
            intent,
            line,
            clause,
            suggestion,
            denied,
            ..
        } => Some(Refusal {
            entry: event.entry,
            intent: Some(*intent),
            line: line.clone(),
            clause: *clause,
            suggested: suggestion.is_some(),
            denied: *denied,
        }),
        _ => None,
    }
}

fn on_refusal(app: &mut App, action: Action, about: Option<Refusal>) -> bool {
    if !matches!(action, Action::RefusalGrant | Action::RefusalAgain) {
        return false;
    }
    let Some(trajectory) = app.session.trajectory() else {
        return true;
    };
    match (action, about) {
        (_, None) => app.tell("choose a refused call first"),
        (_, Some(refusal)) if refusal.denied => {
            app.tell("a person said no to it; no grant and no repeat goes over that");
        }
        (Action::RefusalGrant, Some(refusal)) if refusal.suggested => {
            let entry = refusal.entry;
            let command = Command::PreviewGrant { trajectory, entry };
            question::ask(app, "sign the smallest grant?", command);
        }
        (Action::RefusalGrant, Some(_)) => {
            app.tell("no grant would have allowed it: see the reason");
        }
        // [C12] is where a call that happens once for a key is refused.
        (_, Some(refusal)) if refusal.clause == Clause::C12 => again(app, trajectory, refusal),
        (_, Some(_)) => app.tell("only a call that was done and happens once can be done again"),
    }
    true
}

fn again(app: &mut App, trajectory: TrajectoryId, refusal: Refusal) {
    let Some(intent) = refusal.intent else {
        return app.tell("its intent is not loaded; scroll up to load it");
    };
    let lines = vec![
        Said::labelled("call    ", Role::Strong, refusal.line),
        Said::words(
            Role::Text,
            "It was done before and happens once for its key. Doing it again is your own intent: \
             it goes through the gate, and the record says that you repeated it.",
        ),
    ];
    let told = "asked again, as your own intent".to_owned();
    let question = Question::new("do it again?", lines, "leave it at once").or(
        "do it again",
        Deed::Ask(Asked::Told(told), Command::Again { trajectory, intent }),
    );
    app.overlays.push(Overlay::Question(Box::new(question)));
}

/// The difference a grant would make has come.
pub(super) fn grant_came(app: &mut App, ticket: Ticket, preview: GrantPreview) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let entry = preview.entry;
    let mut lines = vec![
        Said::labelled("refused ", Role::Strong, preview.line),
        Said::words(
            Role::Text,
            "A writ that differs from the one in force by this, and by nothing else:",
        ),
    ];
    if preview.difference.is_empty() {
        lines.push(Said::words(Role::Muted, "  nothing: it is allowed by now"));
    }
    lines.extend(preview.difference.into_iter().map(|change| {
        let role = match change.trim_start().chars().next() {
            Some('+') => Role::DiffAdd,
            Some('-') => Role::DiffDel,
            Some(_) | None => Role::Text,
        };
        Said::labelled("  ", role, change)
    }));
    let told = "signed and in force; the model may ask again".to_owned();
    let filled = Question::new("sign the smallest grant?", lines, "sign nothing").or(
        "sign it, and put it in force",
        Deed::Ask(Asked::Told(told), Command::SignGrant { trajectory, entry }),
    );
    question::fill(app, ticket, filled);
}

/// Asks what undoing everything from there on would take.
fn plan(app: &mut App, from_seq: u64) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let title = format!("undo everything from seq {from_seq} on?");
    let command = Command::PlanUndo {
        trajectory,
        of: trajectory,
        from_seq,
    };
    let ticket = app.ask(Asked::UndoPlan(from_seq), command);
    let waiting = Question::waiting(title, ticket);
    app.overlays.push(Overlay::Question(Box::new(waiting)));
}

/// The plan has come: what would be undone, and what cannot be.
pub(super) fn plan_came(app: &mut App, ticket: Ticket, from_seq: u64, plan: &UndoPlan) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let can = plan.steps.iter().filter(|step| step.cannot.is_none());
    let (can, all) = (can.count(), plan.steps.len());
    let mut lines = vec![Said::words(
        Role::Text,
        match all {
            0 => "Nothing was changed from there on, so there is nothing to undo.".to_owned(),
            _ => {
                format!("{can} of {all} steps can be undone, newest first, each through the gate:")
            }
        },
    )];
    for step in &plan.steps {
        lines.extend(step_lines(step, trajectory));
    }
    let unseen = plan.unseen.iter();
    lines.extend(unseen.map(|unseen| {
        let told = format!("{unseen}; what was changed there stays");
        Said::labelled("note ", Role::Warn, told)
    }));
    let title = format!("undo everything from seq {from_seq} on?");
    let question = Question::new(title, lines, "leave everything as it is");
    let deed = |partial: bool| {
        let told = format!("undoing {can} steps; each is recorded");
        Deed::AskAndWork(
            Asked::Told(told),
            Command::Undo {
                trajectory,
                of: trajectory,
                from_seq,
                plan: plan.digest,
                partial,
            },
        )
    };
    let filled = match (can, plan.complete) {
        (0, _) => question,
        (_, true) => question.or(format!("undo all {can} steps"), deed(false)),
        // What cannot be undone stays: a choice of its own, never the only one.
        (_, false) => question.or(
            format!("undo what can be, {can} of {all}, and leave the rest done"),
            deed(true),
        ),
    };
    question::fill(app, ticket, filled);
}

/// What came of an undo: all of it, or what stopped the rest.
pub(super) fn undone(app: &mut App, end: UndoEnd) {
    let UndoEnd {
        done, of, stopped, ..
    } = end;
    app.notice = Some(match stopped {
        None => Notice::told(format!("undone: {done} of {of} steps")),
        Some(stop) => Notice {
            line: format!(
                "undone: {done} of {of} steps, then `{}`: {}",
                stop.line, stop.reason
            ),
            hint: stop
                .held
                .then(|| "it waits for an answer; undo again for the rest".to_owned()),
            bad: !stop.held,
        },
    });
    app.ask(Asked::Holds, Command::Holds);
}

fn step_lines(step: &UndoStep, here: TrajectoryId) -> Vec<Said> {
    let place = if step.trajectory == here {
        String::new()
    } else {
        format!(" of t-{}", step.trajectory.short())
    };
    let head = format!("seq {}{place}  ", step.seq);
    let mut lines = vec![Said::labelled(head, Role::Strong, step.line.clone())];
    let will = step.will.iter();
    lines.extend(will.map(|line| Said::labelled("    will ", Role::Text, line.clone())));
    if let Some(why) = &step.cannot {
        lines.push(Said::labelled("    CANNOT ", Role::Warn, why.clone()));
    }
    lines
}

/// Asks before branching, then opens the new trajectory.
fn branch(app: &mut App, entry: EntryId, seq: u64) {
    let Some(trajectory) = app.session.trajectory() else {
        return;
    };
    let lines = vec![Said::words(
        Role::Text,
        format!(
            "A new trajectory begins with the world and the conversation as of seq {seq} of \
                 t-{}. That one is not changed, and neither are the files in the workspace.",
            trajectory.short()
        ),
    )];
    let question = Question::new(format!("branch off seq {seq}?"), lines, "stay here").or(
        "branch, and open the new trajectory",
        Deed::AskAndWork(Asked::Open, Command::Branch { trajectory, entry }),
    );
    app.overlays.push(Overlay::Question(Box::new(question)));
}

pub(super) fn last_said(app: &App) -> Option<u64> {
    let items = app.session.story().items().iter().rev();
    items.into_iter().find_map(|item| match item {
        Item::Said(said) if said.role == Speaker::Operator => Some(said.seq),
        Item::Said(_) | Item::Group(_) | Item::Notice(_) => None,
    })
}

pub(super) fn last_commit(app: &App) -> Option<(EntryId, u64)> {
    let items = app.session.story().items().iter();
    let steps = items.filter_map(|item| match item {
        Item::Group(group) => Some(&group.steps),
        Item::Said(_) | Item::Notice(_) => None,
    });
    steps
        .flatten()
        .filter(|step| matches!(step.did, Did::Committed { .. }))
        .max_by_key(|step| step.seq)
        .map(|step| (step.entry, step.seq))
}
