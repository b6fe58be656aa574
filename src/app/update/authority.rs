//! What the authority screen does with its actions, and what it makes of replies.
//!
//! Everything that changes authority is asked about first and done by the kernel.

use serde_json::Value;
use thymos_core::budget::Budget;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_core::{TrajectoryId, WritId};
use thymos_protocol::{Command, Fault, Replied, Under, WritState};

use crate::app::{Action, App, Asked, Effect, Notice, Overlay, Pane, Screen};
use crate::panes::authority::{AuthorityAsked, AuthorityTab, told};
use crate::panes::picker::{Choice, Picker, PickerRow, Subject};
use crate::panes::prompt::{Prompt, Purpose};
use crate::panes::question::{Deed, Question};
use crate::panes::reader::Said;
use crate::theme::Role;

/// Whether the screen took the action.
pub(super) fn act(app: &mut App, action: Action) -> bool {
    match action {
        Action::AuthorityTab => {
            app.authority.turn();
            return true;
        }
        Action::WritRevoke => {
            revoke(app);
            return true;
        }
        Action::CopyItem => {
            let text = app.authority.details.text();
            app.want(Effect::Copy(text));
            return true;
        }
        _ if app.focus.pane() == Pane::Writ => return app.authority.details.act(action),
        _ => {}
    }
    let at = app.authority.place();
    let to = match action {
        Action::ListOpen => {
            open(app);
            return true;
        }
        other => match super::moved(other, at) {
            Some(to) => to,
            None => return false,
        },
    };
    app.authority.choose(to);
    true
}

/// Whether it is one of the actions about authority that work anywhere.
pub(super) fn anywhere(app: &mut App, action: Action) -> bool {
    match action {
        Action::ScreenAuthority => {
            app.authority.rang();
            app.focus.go(Screen::Authority, app.now.mono);
        }
        Action::ModePick => modes(app),
        Action::PolicyReload => {
            app.tell("looking at the policy folder ..");
            app.ask(
                Asked::Authority(AuthorityAsked::Reload),
                Command::ReloadPolicy,
            );
        }
        Action::PolicySimulate => app
            .overlays
            .push(Overlay::Prompt(Prompt::new(Purpose::Bundle, ""))),
        Action::WritUse => app
            .overlays
            .push(Overlay::Prompt(Prompt::new(Purpose::WritFile, ""))),
        Action::WritClose => close_share(app),
        _ => return false,
    }
    true
}

/// Gives back what the open session took of its writ file.
fn close_share(app: &mut App) {
    if let Some(trajectory) = app.session.trajectory() {
        let words = "the share is closed; what was not used can be taken again";
        app.ask(Asked::Told(words.into()), Command::CloseWrit { trajectory });
    }
}

/// After any event: asks for what is in sight and may be old.
pub(super) fn settle(app: &mut App) {
    if app.focus.screen() != Screen::Authority {
        return;
    }
    for asked in app.authority.wanted(app.session.trajectory()) {
        let command = match &asked {
            AuthorityAsked::Writs(trajectory) => Command::Writs {
                trajectory: *trajectory,
            },
            AuthorityAsked::Policies => Command::Policies,
            AuthorityAsked::Reload | AuthorityAsked::Simulate => continue,
        };
        app.ask(Asked::Authority(asked), command);
    }
}

/// Takes a reply. None of them moves the focus.
pub(super) fn heard(app: &mut App, asked: AuthorityAsked, replied: Replied) {
    match (asked, replied) {
        (AuthorityAsked::Writs(of), Replied::Writs(rows)) => app.authority.take_writs(of, rows),
        (AuthorityAsked::Policies, Replied::Policies(policies)) => {
            app.authority.take_policies(policies);
        }
        (AuthorityAsked::Reload, Replied::Policies(policies)) => {
            let refused = policies.refused.len();
            let set = policies.set.short();
            let bundles = policies.bundles.len();
            app.tell(match refused {
                0 => format!("policy {set} is in force, {bundles} bundles"),
                _ => format!("policy {set} stays in force; {refused} files were not loaded"),
            });
            app.authority.take_policies(policies);
        }
        (AuthorityAsked::Simulate, Replied::Simulated(simulation)) => {
            let (changes, all) = (simulation.changes.len(), simulation.decisions);
            app.tell(format!("{changes} of {all} past verdicts would change"));
            app.authority.take_simulation(simulation);
        }
        (asked, _) => app.authority.failed(&asked),
    }
}

/// Reads a writ file that is to be put in force.
pub(super) fn use_file(app: &mut App, path: &str) {
    let path = path.trim();
    if path.is_empty() {
        super::prompt::fault(app, &Purpose::WritFile, "the path of a file is needed");
        return;
    }
    super::prompt::close(app, &Purpose::WritFile);
    app.want(Effect::ReadWrit(path.to_owned()));
}

/// Puts the chain of a writ file in force in the open session, with all that is left of its budget `[W8]`.
pub(super) fn writ_read(app: &mut App, read: Result<Vec<SignedWrit>, Fault>) {
    let chain = match read {
        Ok(chain) => chain,
        Err(fault) => {
            app.notice = Some(Notice::fault(fault));
            return;
        }
    };
    let Some(trajectory) = app.session.trajectory() else {
        app.tell("no trajectory is open yet");
        return;
    };
    let under = Under::Writ {
        chain,
        share: Budget::unlimited(),
    };
    app.ask(
        Asked::Told("the writ file is in force, with all that is left of it".into()),
        Command::Take {
            trajectory,
            under: Some(under),
            skills: Vec::new(),
        },
    );
}

/// Reads a candidate, a bundle or a writ, and has history decided again under it.
pub(super) fn simulate(app: &mut App, path: &str) {
    let path = path.trim();
    if path.is_empty() {
        super::prompt::fault(app, &Purpose::Bundle, "the path of a file is needed");
        return;
    }
    app.overlays.pop();
    app.authority.simulate(path);
    app.focus.go(Screen::Authority, app.now.mono);
    app.want(Effect::ReadBundle(path.to_owned()));
}

/// The candidate has been read, or could not be.
pub(super) fn bundle_read(app: &mut App, read: Result<Value, String>) {
    match read {
        Ok(candidate) => {
            let command = Command::Simulate {
                trajectory: None,
                candidate,
            };
            app.ask(Asked::Authority(AuthorityAsked::Simulate), command);
        }
        Err(message) => {
            app.authority.simulation_failed();
            app.notice = Some(crate::app::Notice {
                line: message,
                hint: Some("a bundle or a writ is a JSON file, signed or not".into()),
                bad: true,
            });
        }
    }
}

/// Revokes a writ, with the reason that has been given.
pub(super) fn revoke_now(app: &mut App, purpose: &Purpose, reason: &str) {
    let Purpose::Revoke { trajectory, writ } = purpose else {
        return;
    };
    if reason.is_empty() {
        super::prompt::fault(app, purpose, "a reason is needed: it is recorded and told");
        return;
    }
    app.overlays.pop();
    let command = Command::Revoke {
        trajectory: *trajectory,
        writ: *writ,
        reason: reason.to_owned(),
    };
    app.ask(Asked::Told("revoked, and recorded".into()), command);
    app.authority.rang();
}

fn open(app: &mut App) {
    let mono = app.now.mono;
    match app.authority.change() {
        Some(change) => {
            let (trajectory, seq) = (change.trajectory, change.seq);
            super::ledger::go_to(app, trajectory, seq);
        }
        None => app.focus.enter(Pane::Writ, mono),
    }
}

fn revoke(app: &mut App) {
    if app.authority.tab != AuthorityTab::Writs {
        return app.tell("only writs are revoked; t shows them");
    }
    let Some(row) = app.authority.writ() else {
        return app.tell("no writ is chosen");
    };
    match row.state {
        WritState::Revoked => return app.tell("it is revoked already"),
        WritState::Expired => return app.tell("it has expired; nothing is left to revoke"),
        WritState::InForce | WritState::Standing | WritState::Issued => {}
    }
    let (trajectory, writ): (TrajectoryId, WritId) = (row.trajectory, row.id);
    let mut lines = vec![Said::words(
        Role::Text,
        "It and every writ below it end at once, for good. This stops:",
    )];
    lines.extend(told::stops(row));
    let title = format!("revoke writ {} {}?", row.name, row.id.short());
    let question = Question::new(title, lines, "leave it in force").or(
        "revoke it, with a reason ..",
        Deed::Prompt(Purpose::Revoke { trajectory, writ }),
    );
    app.overlays.push(Overlay::Question(Box::new(question)));
}

fn modes(app: &mut App) {
    let now = app.session.status().map(|status| status.mode);
    let rows = [
        (Mode::Plan, Action::ModePlan),
        (Mode::Edit, Action::ModeEdit),
        (Mode::Auto, Action::ModeAuto),
    ];
    let rows = rows.map(|(mode, action)| PickerRow {
        choice: Choice::Action(action),
        text: mode.word().to_owned(),
        more: action.title().to_owned(),
        tail: if now == Some(mode) {
            "in force".to_owned()
        } else {
            String::new()
        },
        usable: true,
    });
    app.overlays
        .push(Overlay::Picker(Picker::new(Subject::Mode, rows.into())));
}
