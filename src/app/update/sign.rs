//! What signing beyond one call does with its actions: an approval with scope, several at once.
//!
//! The only roads from here to an answer: an armed, seen overlay, and a card that is still open.

use thymos_core::approval::Decision;
use thymos_core::effect::EffectClass;
use thymos_protocol::{Command, HoldRow, ScopePreview, Ticket};

use crate::app::{Action, App, Asked, Overlay};
use crate::panes::card::Block;
use crate::panes::question::{Deed, Question};
use crate::panes::reader::Said;
use crate::panes::sign::{Scope, Sign, SignKind, batch_lines};
use crate::theme::Role;

/// Opens the choice of a scope for the hold on the card.
pub(super) fn open_scope(app: &mut App) {
    let mono = app.now.mono;
    let open = app
        .card
        .press(mono)
        .and_then(|()| app.card.may(Decision::Approve, mono));
    if let Err(why) = open {
        return super::card::refuse(app, &why);
    }
    let Some(row) = app.card.row().cloned() else {
        return;
    };
    match Scope::of(row, app.now.wall) {
        Err(why) => app.tell(why),
        Ok(scope) => {
            let sign = Sign::new(SignKind::Scope(Box::new(scope)), mono);
            app.overlays.push(Overlay::Sign(Box::new(sign)));
            preview(app);
        }
    }
}

/// Whether a hold may be approved together with others.
///
/// # Errors
/// Says in words why not.
pub(super) fn may_batch(row: &HoldRow) -> Result<(), &'static str> {
    let card = &row.card;
    if !card.ceremony.batch {
        return Err("policy wants this one answered by itself");
    }
    if card.effect > EffectClass::Write {
        return Err("only reads, and writes in the workspace, go together");
    }
    if card.ceremony.type_back || card.quorum > 1 {
        return Err("this one asks for more than one key");
    }
    Ok(())
}

/// Opens what is marked in the queue, each row in full.
pub(super) fn open_batch(app: &mut App) {
    let marked = app.queue.marked();
    let holds = app.session.holds().iter();
    let rows: Vec<HoldRow> = holds
        .filter(|row| marked.contains(&row.card.proposal) && may_batch(row).is_ok())
        .cloned()
        .collect();
    if rows.is_empty() {
        return app.tell("mark rows with Space first");
    }
    let lines = batch_lines(&rows, |id| app.session.number(id));
    let mut sign = Sign::new(SignKind::Batch(rows), app.now.mono);
    sign.put(lines, app.now.mono);
    app.overlays.push(Overlay::Sign(Box::new(sign)));
}

/// Takes an action; signing takes all there are.
pub(super) fn act(app: &mut App, action: Action) {
    let Some(Overlay::Sign(sign)) = app.overlays.last_mut() else {
        return;
    };
    match (&mut sign.kind, action) {
        (_, Action::SignApprove) => approve(app),
        (SignKind::Scope(scope), Action::ListDown) => scope.step(true),
        (SignKind::Scope(scope), Action::ListUp) => scope.step(false),
        (SignKind::Scope(scope), Action::SignTurn | Action::SignTurnBack) => {
            scope.turn(action == Action::SignTurn);
            preview(app);
        }
        _ => {
            sign.body.act(action);
        }
    }
}

/// Asks what the scope as chosen now would allow.
fn preview(app: &mut App) {
    let Some(Overlay::Sign(sign)) = app.overlays.last() else {
        return;
    };
    let SignKind::Scope(scope) = &sign.kind else {
        return;
    };
    let ticket = match scope.choice() {
        Err(_) => None,
        Ok(choice) => {
            let command = Command::PreviewScope {
                trajectory: scope.row.trajectory,
                proposal: scope.row.card.proposal,
                scope: choice,
            };
            Some(app.ask(Asked::Waiting, command))
        }
    };
    rewrite(app, |scope| scope.asked = ticket);
}

/// Changes the scope on top and tells it anew.
fn rewrite(app: &mut App, change: impl FnOnce(&mut Scope)) {
    let App {
        overlays,
        session,
        now,
        ..
    } = app;
    for overlay in overlays.iter_mut().rev() {
        if let Overlay::Sign(sign) = overlay
            && let SignKind::Scope(scope) = &mut sign.kind
        {
            change(scope);
            let lines = scope.lines(|id| session.number(id));
            sign.put(lines, now.mono);
            return;
        }
    }
}

fn waits_for(app: &App, ticket: Ticket) -> bool {
    app.overlays.iter().any(|overlay| match overlay {
        Overlay::Sign(sign) => {
            matches!(&sign.kind, SignKind::Scope(scope) if scope.asked == Some(ticket))
        }
        _ => false,
    })
}

/// What the scope would allow has come, for the choice as it still is.
pub(super) fn preview_came(app: &mut App, ticket: Ticket, preview: ScopePreview) {
    if waits_for(app, ticket) {
        rewrite(app, |scope| {
            scope.asked = None;
            scope.preview = Some(preview);
        });
    }
}

/// The kernel would not sign that scope; `false` when nothing waits for it.
pub(super) fn preview_failed(app: &mut App, ticket: Ticket, message: &str) -> bool {
    let waits = waits_for(app, ticket);
    if waits {
        rewrite(app, |scope| {
            scope.asked = None;
            scope.fault = Some(message.to_owned());
        });
    }
    waits
}

/// The open holds have come: what is gone or has changed is not signed any more.
pub(super) fn holds_came(app: &mut App) {
    let App {
        overlays,
        session,
        now,
        queue,
        notice,
        ..
    } = app;
    queue.keep_marked(session.holds());
    overlays.retain_mut(|overlay| {
        let Overlay::Sign(sign) = overlay else {
            return true;
        };
        let open = |row: &HoldRow| session.holds().iter().any(|hold| hold.card == row.card);
        match &mut sign.kind {
            SignKind::Scope(scope) if open(&scope.row) => return true,
            SignKind::Batch(rows) => {
                let before = rows.len();
                rows.retain(open);
                let (left, rows) = (rows.len(), rows.clone());
                if left == before {
                    return true;
                }
                sign.put(batch_lines(&rows, |id| session.number(id)), now.mono);
                if left > 0 {
                    *notice = Some(crate::app::Notice::told("some of them changed; read again"));
                    return true;
                }
            }
            SignKind::Scope(_) => {}
        }
        *notice = Some(crate::app::Notice::told(
            "no longer open; nothing was signed",
        ));
        false
    });
}

/// After any event: runs the arming clock of what is on top.
pub(super) fn settle(app: &mut App) {
    let mono = app.now.mono;
    let seen = app.terminal_focus != Some(false);
    let top = app.overlays.len().saturating_sub(1);
    let mut wake = None;
    for (at, overlay) in app.overlays.iter_mut().enumerate() {
        if let Overlay::Sign(sign) = overlay {
            sign.hears(at == top && seen, mono);
            wake = sign.wake(mono).or(wake);
        }
    }
    if let Some(at) = wake {
        app.wake_at(at);
    }
}

fn approve(app: &mut App) {
    let mono = app.now.mono;
    if let Err(why) = app.card.press(mono) {
        return super::card::refuse(app, &why);
    }
    let Some(Overlay::Sign(sign)) = app.overlays.last() else {
        return;
    };
    if let Err(why) = sign.may(mono) {
        return app.tell(why);
    }
    match sign.kind.clone() {
        SignKind::Scope(scope) => approve_scope(app, &scope),
        SignKind::Batch(rows) => approve_batch(app, &rows),
    }
}

fn approve_scope(app: &mut App, scope: &Scope) {
    let (Ok(choice), Some(preview)) = (scope.choice(), &scope.preview) else {
        return;
    };
    let card = &scope.row.card;
    let about = (card.proposal, card.presented);
    app.overlays.pop();
    match app.card.answer(about, Decision::Approve, String::new()) {
        Err(why) => super::card::refuse(app, &why),
        Ok(mut answer) => {
            answer.scope = Some(choice);
            app.tell("approved with scope");
            super::card::send(app, answer);
            offer_drain(app, scope, preview);
        }
    }
}

/// Offers to put holds that the new writ covers before the gate again; never does it by itself.
fn offer_drain(app: &mut App, scope: &Scope, preview: &ScopePreview) {
    let covered: Vec<&HoldRow> = app
        .session
        .holds()
        .iter()
        .filter(|row| row.card.proposal != preview.proposal)
        .filter(|row| preview.covers.contains(&row.card.proposal))
        .collect();
    if covered.is_empty() {
        return;
    }
    let mut lines = vec![Said::words(
        Role::Text,
        "The writ you have just signed covers these open holds. They would be put before the \
         gate again, one by one, and count against it:",
    )];
    lines.extend(covered.iter().map(|row| {
        let number = app.session.number(row.card.proposal).unwrap_or_default();
        Said::labelled(format!("  #{number} "), Role::Text, row.card.line.clone())
    }));
    let proposals: Vec<_> = covered.iter().map(|row| row.card.proposal).collect();
    let count = proposals.len();
    let command = Command::Drain {
        trajectory: scope.row.trajectory,
        proposals,
    };
    let (told, offer) = match count {
        1 => (
            "it is before the gate again".to_owned(),
            "put it before the gate".to_owned(),
        ),
        many => (
            format!("{many} holds are before the gate again"),
            format!("put these {many} before the gate"),
        ),
    };
    let told = Asked::Told(told);
    let mut question = Question::new("covered holds", lines, "leave them waiting")
        .or(offer, Deed::Ask(told, command));
    question.follows = Some(scope.row.card.proposal);
    app.overlays.push(Overlay::Question(Box::new(question)));
}

/// One answer a row, each with the digest of its own card.
fn approve_batch(app: &mut App, rows: &[HoldRow]) {
    app.overlays.pop();
    let mut sent = 0;
    let mut kept: Option<Block> = None;
    for row in rows {
        match app.card.answer_row(row) {
            Ok(answer) => {
                sent += 1;
                super::card::send(app, answer);
            }
            Err(why) => kept = Some(why),
        }
    }
    app.queue.unmark();
    let kept = kept.and_then(|why| why.words());
    app.tell(match kept {
        None => format!("approved {sent}, each once"),
        Some(why) => format!("approved {sent} of {}; the rest: {why}", rows.len()),
    });
}
