//! What came about in stories, counted: a rule holds of nothing where nothing happened.

use std::collections::BTreeMap;

use thymos_core::approval::Decision;
use thymos_core::body::{Body, Stop};

use super::told::Told;

/// Counts by name.
pub(super) type Census = BTreeMap<String, u64>;

/// Adds what came about in a story.
pub(super) fn count(told: &Told, census: &mut Census) {
    let mut one = |name: String| *census.entry(name).or_default() += 1;
    for line in &told.lines {
        one(line.body.kind().word().to_owned());
        match &line.body {
            Body::Failure(body) => one(format!("failure: {}", body.fault.kind)),
            Body::Rejection(body) => {
                one(format!("refused: {}", body.refusal.clause));
                one(format!("refused at {:?}", body.stage));
            }
            Body::Message(body) => one(format!("said: {:?}", body.role)),
            Body::Reconciled(body) => one(format!("reconciled: {:?}", body.resolution)),
            Body::Closed(body) => one(format!("closed: {}", stop(&body.stop))),
            Body::Commit(body) if body.compensates.is_some() => one("undone".to_owned()),
            Body::Intent(body) if body.again.is_some() => one("again".to_owned()),
            Body::Superseded(body) if body.by.is_some() => one("edited".to_owned()),
            Body::Approval(body) => {
                let answer = &body.signed.answer;
                let no = answer.decision == Decision::Deny;
                let word = if no { "denied" } else { "approved" };
                one(format!("{word} by {} via {:?}", answer.by.name, answer.via));
            }
            Body::Started(work) => {
                if !work.pre_answered.is_empty() {
                    one("pre-answered".to_owned());
                }
                if work.approvals.len() > 1 {
                    one("approved by two".to_owned());
                }
                one(format!("began {}", work.decided.proposal.intent.tool));
                one(format!(
                    "began under {} writs",
                    work.decided.proposal.writs.len()
                ));
            }
            _ => {}
        }
    }
    for rest in &told.rest {
        for _ in 0..rest.in_doubt {
            one("in doubt at the end".to_owned());
        }
    }
    for step in &told.steps {
        let words = step.trim_start_matches(|c: char| !c.is_whitespace());
        if step.starts_with("process") {
            let verb = words.trim_start_matches([' ', ':']).split(' ').nth(1);
            one(format!("step: {}", verb.unwrap_or_default()));
        }
    }
    for _ in &told.views {
        one("views".to_owned());
    }
}

const fn stop(stop: &Stop) -> &'static str {
    match stop {
        Stop::Done => "done",
        Stop::Held => "held",
        Stop::Steps => "steps",
        Stop::Budget(_) => "budget",
        Stop::Authority(_) => "authority",
        Stop::Cancelled => "cancelled",
        Stop::Model(_) => "model",
    }
}
