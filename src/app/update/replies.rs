//! Replies: routed to whoever asked, by ticket. None of them moves the focus.

use thymos_protocol::{Changed, Command, Page, Replied, Reply, VerifyReport};

use crate::app::overlay::ModeQuestion;
use crate::app::{App, Asked, Effect, Notice, Overlay, Verification};

/// Takes one reply; one that nobody waits for is dropped.
pub(super) fn take(app: &mut App, reply: Reply) {
    let Some(asked) = app.asked.get(&reply.ticket).cloned() else {
        return;
    };
    // Verification tells its progress under one ticket before it ends.
    if !matches!(reply.replied, Replied::Verifying(_)) {
        app.asked.remove(&reply.ticket);
    }
    match (asked, reply.replied) {
        (asked, Replied::Fault(fault)) => {
            failed(app, asked);
            app.notice = Some(Notice::fault(fault));
        }
        (Asked::Open, Replied::Opened(status)) => {
            app.session.open(*status);
            app.conversation.reset();
            app.ask(Asked::Holds, Command::Holds);
        }
        (Asked::Pull, Replied::Page(page)) => pulled(app, page),
        (Asked::PullOlder, Replied::Page(page)) => {
            let count = app.session.absorb_older(page);
            app.conversation.arrived_older(count);
        }
        (Asked::Holds, Replied::Holds(holds)) => app.session.set_holds(holds),
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
        (Asked::Answer(_), Replied::Stale(changed)) => stale(app, changed),
        (Asked::Answer(_), Replied::Accepted) => {
            app.ask(Asked::Holds, Command::Holds);
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

fn failed(app: &mut App, asked: Asked) {
    match asked {
        Asked::Pull | Asked::PullOlder => app.session.pull_failed(),
        // Nothing a person wrote is lost: it goes back to where it came from.
        Asked::Prompt(text) => app.composer.give_back(&text),
        Asked::Verify => app.verification = Verification::NotAsked,
        Asked::Open
        | Asked::Holds
        | Asked::Interrupt
        | Asked::ModePreview
        | Asked::SetMode(_)
        | Asked::SetModel(_)
        | Asked::Answer(_)
        | Asked::Pane(_)
        | Asked::Overlay => {}
    }
}

/// Nothing found wrong is the only way to be verified [Y3].
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
