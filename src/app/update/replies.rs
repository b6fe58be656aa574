//! Replies: routed to whoever asked, by ticket. None of them moves the focus.

use thymos_protocol::{
    Changed, Command, Fault, NotUsed, Page, Replied, Reply, Ticket, VerifyReport,
};

use super::{authority, card, history, ledger, mention, mind, past, picker, question, sign};
use crate::app::overlay::ModeQuestion;
use crate::app::{App, Asked, CardAsked, Effect, Notice, Overlay, Verification};

/// Takes one reply; one that nobody waits for is dropped.
pub(super) fn take(app: &mut App, reply: Reply) {
    let Some(asked) = app.asked.get(&reply.ticket).cloned() else {
        return;
    };
    // What takes long tells its progress under one ticket before it ends.
    let goes_on = match &reply.replied {
        Replied::Verifying(_) | Replied::Looking { .. } => true,
        Replied::Found(found) => found.end.is_none(),
        _ => false,
    };
    if !goes_on {
        app.asked.remove(&reply.ticket);
    }
    match (asked, reply.replied) {
        (asked, Replied::Fault(fault) | Replied::NotCounted(fault)) => {
            faulted(app, reply.ticket, asked, fault);
        }
        (Asked::Open, Replied::Opened(status)) => {
            app.session.open(*status);
            app.conversation.reset();
            app.ask(Asked::Holds, Command::Holds);
        }
        (Asked::Pull, Replied::Page(page)) => pulled(app, page),
        (Asked::PullOlder, Replied::Page(page)) => pulled_older(app, page),
        (Asked::Holds, Replied::Holds(holds)) => {
            app.session.set_holds(holds);
            card::holds_came(app);
        }
        (Asked::ModePreview, Replied::ModePreview(preview)) => {
            let question = ModeQuestion {
                mode: preview.mode,
                difference: preview.difference,
            };
            app.overlays.push(Overlay::Mode(question));
        }
        (Asked::SetMode(mode), Replied::Accepted) => {
            app.tell(format!("mode {} is in force", mode.word()));
        }
        (Asked::SetModel(model), Replied::Accepted) => {
            app.tell(format!("model {model} from the next turn on"));
        }
        (Asked::Verify, Replied::Verifying(progress)) => {
            app.verification = Verification::Running(progress);
        }
        (Asked::Verify, Replied::Verified(report)) => verified(app, report),
        (Asked::Answer(proposal), Replied::Stale(changed)) => {
            card::stale(app, proposal, &changed);
            question::withdraw(app, proposal);
            stale(app, changed);
        }
        (Asked::Edit(_), Replied::Stale(changed)) => stale(app, changed),
        (Asked::Settle(_), Replied::Accepted) => app.tell("settled, and recorded"),
        (Asked::Edit(_), Replied::Accepted) => {
            app.tell("proposed anew; it has a card of its own if it is held");
            app.ask(Asked::Holds, Command::Holds);
        }
        (Asked::Card(CardAsked::Entry(proposal, wants)), Replied::Page(page)) => {
            card::entry_came(app, proposal, wants, &page);
        }
        (Asked::Card(CardAsked::Detail(proposal, wants)), Replied::Detail(detail)) => {
            card::detail_came(app, proposal, wants, &detail);
        }
        (Asked::Ledger(asked), replied) => ledger::heard(app, asked, replied),
        (Asked::Overlay, replied) => picker::rows_came(app, replied),
        (Asked::Answer(_), Replied::Accepted) => {
            app.ask(Asked::Holds, Command::Holds);
        }
        (asked, replied) => governed(app, reply.ticket, asked, replied),
    }
}

/// It could not be done: whoever asked hears it, and the status line says why.
fn faulted(app: &mut App, ticket: Ticket, asked: Asked, fault: Fault) {
    let told = asked == Asked::Waiting && sign::preview_failed(app, ticket, &fault.message);
    question::failed(app, ticket);
    failed(app, asked, &fault.message);
    if !told {
        app.notice = Some(Notice::fault(fault));
    }
}

/// Takes what was asked about authority, the past and runs.
fn governed(app: &mut App, ticket: Ticket, asked: Asked, replied: Replied) {
    match (asked, replied) {
        (Asked::Authority(asked), replied) => authority::heard(app, asked, replied),
        (Asked::Runs, Replied::Runs(rows)) => app.runs.take(rows),
        (Asked::MindChild, Replied::Detail(detail)) => mind::child_came(app, &detail),
        (Asked::Mention(asked), Replied::Page(page)) => mention::entries_came(app, asked, page),
        (Asked::History, Replied::Messages(texts)) => history::came(app, texts),
        (Asked::Told(words), Replied::Accepted) => {
            app.tell(words);
            app.ask(Asked::Holds, Command::Holds);
        }
        (Asked::Told(_), Replied::NotUsed(no)) => {
            let (line, hint) = match no {
                NotUsed::Authority(why) => (why, "`/writ check FILE` says more".to_owned()),
                NotUsed::Budget { why, .. } => {
                    (why, "`/writ ls` lists the shares that are out".into())
                }
            };
            app.notice = Some(Notice {
                line,
                hint: Some(hint),
                bad: true,
            });
        }
        (Asked::Told(_), Replied::Undone(end)) => past::undone(app, end),
        (Asked::Waiting, Replied::GrantPreview(preview)) => {
            past::grant_came(app, ticket, preview);
        }
        (Asked::UndoPlan(from_seq), Replied::UndoPlan(plan)) => {
            past::plan_came(app, ticket, from_seq, &plan);
        }
        (Asked::Waiting, Replied::ScopePreview(preview)) => {
            sign::preview_came(app, ticket, *preview);
        }
        (Asked::OpenAt(seq), Replied::Opened(status)) => {
            app.session.open(*status);
            app.conversation.reset();
            ledger::show(app, seq);
        }
        _ => {}
    }
}

/// Whether a message has been sent and is not accepted yet.
pub(super) fn prompt_is_under_way(app: &App) -> bool {
    app.asked
        .values()
        .any(|asked| matches!(asked, Asked::Prompt(_)))
}

fn pulled(app: &mut App, page: Page) {
    let pulled = app.session.absorb(page);
    app.conversation.arrived(pulled.fresh);
    if pulled.holds_moved {
        app.ask(Asked::Holds, Command::Holds);
    }
    if app.terminal_focus != Some(true) && app.session.next_seq() > 0 {
        // In words without content: a notification may be shown on a locked screen.
        if pulled.suspended {
            app.want(Effect::Notify("an approval is needed".into()));
        } else if pulled.closed {
            app.want(Effect::Notify("a run has ended".into()));
        }
    }
}

fn pulled_older(app: &mut App, page: Page) {
    let count = app.session.absorb_older(page);
    app.conversation.arrived_older(count);
    app.mind.arrived_older();
}

fn failed(app: &mut App, asked: Asked, message: &str) {
    match asked {
        Asked::Pull | Asked::PullOlder => app.session.pull_failed(),
        // Nothing a person wrote is lost: it goes back to where it came from.
        Asked::Prompt(text) => app.composer.give_back(&text),
        Asked::Verify => app.verification = Verification::NotAsked,
        // The answer was not taken: another may be given.
        Asked::Answer(proposal) => {
            app.card.not_taken(proposal);
            question::withdraw(app, proposal);
        }
        Asked::Authority(asked) => app.authority.failed(&asked),
        Asked::Runs => app.runs.failed(),
        Asked::Ledger(asked) => ledger::failed(app, &asked, message),
        Asked::Overlay => picker::rows_failed(app),
        Asked::Mention(asked) => mention::failed(app, asked, message),
        Asked::History => history::failed(app),
        Asked::Open
        | Asked::OpenAt(_)
        | Asked::MindChild
        | Asked::Waiting
        | Asked::UndoPlan(_)
        | Asked::Told(_)
        | Asked::Holds
        | Asked::Interrupt
        | Asked::ModePreview
        | Asked::SetMode(_)
        | Asked::SetModel(_)
        | Asked::Settle(_)
        | Asked::Edit(_)
        | Asked::Card(_) => {}
    }
}

/// Nothing found wrong is the only way to be verified `[Y3]`.
fn verified(app: &mut App, report: VerifyReport) {
    let levels = report.levels.join(", ");
    app.notice = Some(match report.findings.first() {
        None => Notice::told(format!(
            "verified {} entries of {} trajectories ({levels}); {}",
            report.entries, report.trajectories, report.caveat
        )),
        Some(first) => Notice {
            line: format!(
                "{} things are wrong; first at entry {}: {}, expected {}, found {}",
                report.findings.len(),
                first.index,
                first.check,
                first.expected,
                first.found
            ),
            hint: Some("nothing after it can be trusted; keep the file as it is".into()),
            bad: true,
        },
    });
    app.verification = Verification::Ended(report);
}

fn stale(app: &mut App, changed: Changed) {
    let line = match changed {
        Changed::AlreadyDecided(by) => format!("already decided by {by}"),
        Changed::NotOpen => "no longer open; your answer was not used".into(),
        Changed::Ended(why) => format!("no longer open, and your answer was not used: {why}"),
        Changed::PresentedDiffers => {
            "the proposal differs from what was shown; your answer was not used".into()
        }
    };
    app.notice = Some(Notice {
        line,
        hint: None,
        bad: true,
    });
    app.ask(Asked::Holds, Command::Holds);
}
