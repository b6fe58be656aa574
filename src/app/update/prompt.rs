//! What a line being asked for does with its actions, and what comes of it when it is done.

use thymos_core::approval::Decision;
use thymos_protocol::Command;

use crate::app::{Action, App, Asked, Overlay, Pane};
use crate::panes::prompt::{Prompt, Purpose};

use super::{authority, card, find, ledger, mind, skill};

/// Characters of the id that an approval may ask to be typed.
const TYPED_BACK: usize = 4;

/// Takes an action; a prompt takes all there are.
pub(super) fn act(app: &mut App, action: Action) {
    let lines = &app.lines;
    let Some(Overlay::Prompt(prompt)) = app.overlays.last_mut() else {
        return;
    };
    match action {
        Action::PromptAccept => accept(app),
        Action::PromptPrevious => prompt.previous(lines),
        Action::PromptNext => prompt.next(lines),
        Action::PromptComplete if !prompt.complete() => app.tell("nothing to complete here"),
        Action::PromptBackspace => prompt.backspace(),
        Action::PromptClear => prompt.clear(),
        Action::PromptKillWord => prompt.kill_word(),
        Action::PromptLeft => prompt.left(),
        Action::PromptRight => prompt.right(),
        _ => {}
    }
}

/// Tells the prompt that its text was not understood; `false` when it is not there any more.
pub(super) fn fault(app: &mut App, purpose: &Purpose, message: &str) -> bool {
    match app.overlays.last_mut() {
        Some(Overlay::Prompt(prompt)) if prompt.purpose == *purpose => {
            prompt.fault = Some(message.to_owned());
            true
        }
        Some(_) | None => false,
    }
}

/// Closes the prompt of that purpose, if it is on top.
pub(super) fn close(app: &mut App, purpose: &Purpose) {
    if matches!(app.overlays.last(), Some(Overlay::Prompt(prompt)) if prompt.purpose == *purpose) {
        app.overlays.pop();
    }
}

fn accept(app: &mut App) {
    let Some(Overlay::Prompt(prompt)) = app.overlays.last() else {
        return;
    };
    let Prompt { purpose, .. } = prompt;
    let (purpose, text) = (purpose.clone(), prompt.text().to_owned());
    app.lines.keep(&purpose, &text);
    match purpose {
        Purpose::Deny {
            proposal,
            presented,
        } => {
            app.overlays.pop();
            let reason = text.trim().to_owned();
            card::answer(app, (proposal, presented), Decision::Deny, reason);
        }
        Purpose::TypeBack {
            proposal,
            presented,
        } => {
            let id = proposal.to_string();
            if id.get(id.len().saturating_sub(TYPED_BACK)..) == Some(text.trim()) {
                app.overlays.pop();
                card::answer(app, (proposal, presented), Decision::Approve, String::new());
            } else {
                fault(app, &purpose, "not the last 4 of the id shown on the card");
            }
        }
        Purpose::Edit {
            trajectory,
            proposal,
        } => edit(app, (trajectory, proposal), &text),
        Purpose::Settle { .. } => settle(app, &purpose, text.trim().to_owned()),
        Purpose::Revoke { .. } => authority::revoke_now(app, &purpose, text.trim()),
        Purpose::Bundle => authority::simulate(app, &text),
        Purpose::WritFile => authority::use_file(app, &text),
        Purpose::SkillParam(ref binding) => match skill::typed(binding, text.trim()) {
            Err(why) => {
                fault(app, &purpose, &why);
            }
            Ok(value) => {
                app.overlays.pop();
                skill::given(app, binding.as_ref().clone(), value);
            }
        },
        Purpose::Filter => find::filter(app, text.trim()),
        Purpose::GoTo => ledger::go_to_typed(app, text.trim()),
        Purpose::Search => {
            app.overlays.pop();
            match app.focus.pane() {
                Pane::Mind => mind::search(app, text.trim()),
                _ => find::search(app, text.trim()),
            }
        }
    }
}

/// Settles work that has no end, with a reason.
fn settle(app: &mut App, purpose: &Purpose, reason: String) {
    let Purpose::Settle {
        trajectory,
        proposal,
        settlement,
    } = *purpose
    else {
        return;
    };
    if reason.is_empty() {
        let why = "a reason is needed: it is all the record will have";
        fault(app, purpose, why);
        return;
    }
    app.overlays.pop();
    let command = Command::Settle {
        trajectory,
        proposal,
        settlement,
        reason,
    };
    app.ask(Asked::Settle(proposal), command);
}

/// Replaces a held call by one with other arguments, which is judged afresh `[A7]`.
fn edit(
    app: &mut App,
    (trajectory, proposal): (thymos_core::TrajectoryId, thymos_core::ProposalId),
    text: &str,
) {
    let purpose = Purpose::Edit {
        trajectory,
        proposal,
    };
    let shown = app.card.row().map(|row| row.card.proposal) == Some(proposal);
    if let Some(why) = app.card.may_change().err().and_then(|why| why.words()) {
        fault(app, &purpose, &why);
    } else if !shown {
        fault(app, &purpose, "something else is on the card now");
    } else {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(args) if !args.is_object() => {
                fault(app, &purpose, "the arguments of a call are an object");
            }
            Ok(args) => {
                app.overlays.pop();
                let command = Command::Edit {
                    trajectory,
                    proposal,
                    args,
                };
                app.ask(Asked::Edit(proposal), command);
            }
            Err(error) => {
                fault(app, &purpose, &format!("not JSON: {error}"));
            }
        }
    }
}
