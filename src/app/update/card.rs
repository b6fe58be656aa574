//! What the card does with its actions. The one place from which an answer is sent.
//!
//! An answer goes out only by a key pressed on an armed, open, viewed card, and once a proposal;
//! nothing that arrives by itself can send one.

use thymos_core::approval::Decision;
use thymos_core::id::ProposalId;
use thymos_protocol::{Answer, Changed, Command, Detail, Page};

use crate::app::event::Written;
use crate::app::{Action, App, Asked, Effect, Notice, Overlay, Pane, Screen};
use crate::panes::card::Block;
use crate::panes::inspector::trace;
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::queue::{REFUSED, Tab, told};
use crate::panes::reader::{Reader, Said, Topic};
use crate::theme::Role;

/// Where a held call's arguments stand in its stored entry.
const ARGS: &str = "/decided/proposal/intent/args";

/// What a card says before the record tells who closed it.
const GONE: &str = "no longer open";

/// Why a card is closed whose answer went from here to another trajectory.
const ANSWERED: &str = "answered from here";

/// What an entry is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Its trace.
    Trace,
    /// Its arguments, to edit them.
    Args,
}

/// What the card asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAsked {
    /// Which entry holds that proposal.
    Entry(ProposalId, Wants),
    /// That entry in full.
    Detail(ProposalId, Wants),
}

/// Whether the card took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    match action {
        Action::ApprovalsApprove => approve(app),
        Action::ApprovalsScope => super::sign::open_scope(app),
        Action::ApprovalsDeny => deny(app),
        Action::ApprovalsEdit => match app.card.may_change() {
            Ok(()) => read_entry(app, Wants::Args),
            Err(why) => refuse(app, &why),
        },
        Action::ApprovalsView => app.focus.zoomed = !app.focus.zoomed,
        Action::ApprovalsTrace => read_entry(app, Wants::Trace),
        Action::ApprovalsTool => tool(app),
        Action::ApprovalsNext => step(app, true),
        Action::ApprovalsPrevious => step(app, false),
        Action::CardHunkNext => app.card.hunk(true),
        Action::CardHunkPrevious => app.card.hunk(false),
        Action::ListDown => app.card.scroll(1),
        Action::ListUp => app.card.scroll(-1),
        Action::ListFirst => app.card.first(),
        Action::ListLast => app.card.last(),
        Action::ListHalfDown => app.card.scroll_halves(1),
        Action::ListHalfUp => app.card.scroll_halves(-1),
        Action::ListPageDown => app.card.scroll_halves(2),
        Action::ListPageUp => app.card.scroll_halves(-2),
        Action::CopyItem => {
            let text = app.card.text();
            app.want(Effect::Copy(text));
        }
        _ => return false,
    }
    true
}

/// Opens the card of a hold. Always a person's act.
pub(super) fn open(app: &mut App, proposal: ProposalId) {
    let mono = app.now.mono;
    let hold = |row: &&thymos_protocol::HoldRow| row.card.proposal == proposal;
    if let Some(row) = app.session.holds().iter().find(hold).cloned() {
        app.card.show(row, mono);
        app.card.hold_on();
        app.queue.choose_proposal(proposal);
        app.focus.enter(Pane::Card, mono);
    }
}

/// A closed card makes room for what the queue chooses.
pub(super) fn follow(app: &mut App) {
    if app.queue.tab != Tab::Open {
        return;
    }
    let rows = app.queue.rows(&app.session);
    let chosen = rows.get(app.queue.place(&rows)).map(|row| row.proposal);
    let mut holds = app.session.holds().iter();
    if let Some(row) = holds.find(|row| Some(row.card.proposal) == chosen) {
        app.card.follow(row, app.now.mono);
    }
}

/// Sends what a prompt was for, about exactly what was on the card when it was opened.
pub(super) fn answer(
    app: &mut App,
    about: (ProposalId, thymos_core::id::PresentedDigest),
    decision: Decision,
    reason: String,
) {
    match app.card.answer(about, decision, reason) {
        Ok(answer) => {
            let word = match decision {
                Decision::Approve => "approved once",
                Decision::Deny => "denied",
            };
            app.tell(word);
            send(app, answer);
        }
        Err(why) => refuse(app, &why),
    }
}

/// All of it was written out: what is asked about has been seen, if it still is what was written.
pub(super) fn written(app: &mut App, written: &Written) {
    match written {
        Written::Card(proposal, presented) => app.card.was_written(*proposal, *presented),
        Written::Text(text) => match app.overlays.last_mut() {
            Some(Overlay::Question(question)) => question.body.was_written(text),
            Some(Overlay::Sign(sign)) => sign.body.was_written(text),
            Some(
                Overlay::Quit(_)
                | Overlay::Mode(_)
                | Overlay::Writ
                | Overlay::Prompt(_)
                | Overlay::Picker(_)
                | Overlay::Reader(_),
            )
            | None => {}
        },
    }
}

/// Sends an answer, signed as given on this surface.
pub(super) fn send(app: &mut App, answer: Answer) {
    let answer = Answer {
        via: app.via,
        ..answer
    };
    app.ask(Asked::Answer(answer.proposal), Command::Answer(answer));
}

/// The open holds have come: a card whose hold is gone stays and says why.
pub(super) fn holds_came(app: &mut App) {
    let mono = app.now.mono;
    if let Some(gone) = app.card.refresh(app.session.holds(), mono) {
        // What is decided on another trajectory is not in this one's story.
        let otherwise = if app.card.is_answered(gone) {
            ANSWERED
        } else {
            GONE
        };
        let why = told(&app.session, gone).unwrap_or_else(|| otherwise.to_owned());
        app.card.close(gone, why);
    }
    super::sign::holds_came(app);
    if std::mem::take(&mut app.queue.again) {
        app.ask(Asked::Holds, Command::Holds);
    }
}

/// An answer did not count.
pub(super) fn stale(app: &mut App, proposal: ProposalId, changed: &Changed) {
    match changed {
        Changed::AlreadyDecided(by) => app.card.close(proposal, format!("decided by {by}")),
        Changed::NotOpen => app.card.close(proposal, GONE),
        Changed::Ended(why) => app.card.close(proposal, why.clone()),
        // The refreshed holds bring what is to be read instead; it must be read anew.
        Changed::PresentedDiffers => {}
    }
    app.card.not_taken(proposal);
}

/// The entry of a hold was found: read it in full.
pub(super) fn entry_came(app: &mut App, proposal: ProposalId, wants: Wants, page: &Page) {
    if let Some(event) = page.events.first() {
        let entry = event.entry;
        app.ask(
            Asked::Card(CardAsked::Detail(proposal, wants)),
            Command::Inspect { entry },
        );
    }
}

/// The entry of a hold was read, for a person who is still at its card.
pub(super) fn detail_came(app: &mut App, proposal: ProposalId, wants: Wants, detail: &Detail) {
    let at_card = app.overlays.is_empty() && app.focus.pane() == Pane::Card;
    let Some(row) = app.card.row().filter(|row| row.card.proposal == proposal) else {
        return;
    };
    if !at_card {
        return;
    }
    let trajectory = row.trajectory;
    match wants {
        Wants::Trace => {
            let title = format!("policy trace of proposal {}", proposal.short());
            let reader = Reader::new(Topic::Trace, title, trace(&detail.trace));
            app.overlays.push(Overlay::Reader(Box::new(reader)));
        }
        Wants::Args => {
            let args = detail.body.as_ref().and_then(|body| body.pointer(ARGS));
            match args {
                Some(args) => {
                    let purpose = Purpose::Edit {
                        trajectory,
                        proposal,
                    };
                    app.overlays
                        .push(Overlay::Prompt(Prompt::new(purpose, args.to_string())));
                }
                None => {
                    app.tell("the arguments are not in the record; deny and say what to change");
                }
            }
        }
    }
}

/// The kernel rang: the queue in sight is asked for again.
pub(super) fn rang(app: &mut App) {
    if !matches!(app.focus.screen(), Screen::Approvals | Screen::Runs) {
        return;
    }
    if app.asked.values().any(|asked| *asked == Asked::Holds) {
        app.queue.again = true;
    } else {
        app.ask(Asked::Holds, Command::Holds);
    }
}

/// After any event: runs the arming clock and fills in who closed the card.
pub(super) fn settle(app: &mut App) {
    let mono = app.now.mono;
    let hears = app.focus.pane() == Pane::Card
        && app.overlays.is_empty()
        && app.terminal_focus != Some(false);
    app.card.hears(hears, mono);
    if let Some(at) = app.card.wake(mono) {
        app.wake_at(at);
    }
    // What the record says of it may come after the hold is gone, and an answer is not its end.
    if let Some(closed) = app.card.closed()
        && let Some(proposal) = app.card.row().map(|row| row.card.proposal)
        && let Some(why) = told(&app.session, proposal).filter(|why| why != closed)
    {
        if why.starts_with(REFUSED) && app.card.is_answered(proposal) {
            app.notice = Some(Notice {
                line: format!("not done: {why}"),
                hint: None,
                bad: true,
            });
        }
        app.card.close(proposal, why);
    }
}

fn approve(app: &mut App) {
    let mono = app.now.mono;
    if let Err(why) = app
        .card
        .press(mono)
        .and_then(|()| app.card.may(Decision::Approve, mono))
    {
        return refuse(app, &why);
    }
    let Some(card) = app.card.row().map(|row| &row.card) else {
        return;
    };
    let (proposal, presented) = (card.proposal, card.presented);
    if card.ceremony.type_back {
        let purpose = Purpose::TypeBack {
            proposal,
            presented,
        };
        app.overlays.push(Overlay::Prompt(Prompt::new(purpose, "")));
    } else {
        answer(app, (proposal, presented), Decision::Approve, String::new());
    }
}

fn deny(app: &mut App) {
    let mono = app.now.mono;
    if let Err(why) = app
        .card
        .press(mono)
        .and_then(|()| app.card.may(Decision::Deny, mono))
    {
        return refuse(app, &why);
    }
    if let Some(row) = app.card.row() {
        let purpose = Purpose::Deny {
            proposal: row.card.proposal,
            presented: row.card.presented,
        };
        app.overlays.push(Overlay::Prompt(Prompt::new(purpose, "")));
    }
}

pub(super) fn refuse(app: &mut App, why: &Block) {
    if let Some(words) = why.words() {
        app.tell(words);
    }
}

fn read_entry(app: &mut App, wants: Wants) {
    let Some(row) = app.card.row() else {
        return refuse(app, &Block::NothingOpen);
    };
    let command = Command::Page {
        trajectory: row.trajectory,
        from_seq: row.seq,
        limit: 1,
    };
    let asked = CardAsked::Entry(row.card.proposal, wants);
    app.ask(Asked::Card(asked), command);
}

fn tool(app: &mut App) {
    let Some(row) = app.card.row() else {
        return refuse(app, &Block::NothingOpen);
    };
    let card = &row.card;
    let yes = |on: bool| if on { "yes" } else { "no" };
    let fact = |head: &str, text: String| Said::labelled(format!("{head:<14}"), Role::Text, text);
    let mut lines = vec![
        fact("tool", card.tool.clone()),
        fact("effect", card.effect.to_string()),
        fact("risk", card.risk.to_string()),
        fact("reversible", yes(card.reversible).to_owned()),
        fact("proposal", card.proposal.to_string()),
        fact("presented", card.presented.to_string()),
        fact("workspace", row.workspace.clone()),
        fact("trajectory", row.trajectory.to_string()),
        fact("held by entry", format!("seq {}", row.seq)),
        fact("approvals", format!("{} of {}", row.approvals, card.quorum)),
        fact("arming", format!("{} ms", card.ceremony.arming_ms)),
        fact("read to end", yes(card.ceremony.view_gate).to_owned()),
        fact("type id back", yes(card.ceremony.type_back).to_owned()),
    ];
    if let Some(at) = card.expires_at {
        lines.push(fact("denied at", at.to_string()));
    }
    for reason in &card.reasons {
        lines.push(fact("held because", reason.clone()));
    }
    let reader = Reader::new(Topic::Tool, format!("tool {}", card.tool), lines);
    app.overlays.push(Overlay::Reader(Box::new(reader)));
}

/// Goes to the next open hold, or the one before; round at the ends.
fn step(app: &mut App, forward: bool) {
    let holds = app.session.holds();
    let shown = app.card.row().map(|row| row.card.proposal);
    let at = holds
        .iter()
        .position(|row| Some(row.card.proposal) == shown);
    let count = holds.len();
    let next = match (at, forward) {
        _ if count == 0 => return app.tell("nothing else waits"),
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
        (None, true) => 0,
        (None, false) => count - 1,
    };
    if let Some(proposal) = holds.get(next).map(|row| row.card.proposal) {
        open(app, proposal);
    }
}
