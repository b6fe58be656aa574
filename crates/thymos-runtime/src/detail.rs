//! One entry in full: body, trace, writs, place in the chain. For the inspector; judges nothing.

use thymos_core::Entry;
use thymos_core::body::BodyState;
use thymos_core::canonical;
use thymos_protocol::{ChainFacts, Detail, Event, TraceRow};
use thymos_replay::Projection;

use crate::modes::grant_words;

/// Tells an entry in full; the projection is folded up to and with it.
pub(crate) fn detail(entry: &Entry, event: Event, projection: &Projection) -> Detail {
    let body = entry.body().and_then(|bytes| canonical::parse(bytes).ok());
    let (trace, writs) = match entry.decode() {
        BodyState::Known(body) => match body.decided() {
            Some(decided) => {
                let rows = decided.trace.lines.iter().map(|line| TraceRow {
                    clause: line.clause,
                    title: line.clause.title().to_owned(),
                    rule: line.rule.clone(),
                    ruling: line.ruling,
                    said: line.said.clone(),
                });
                (
                    rows.collect(),
                    writ_lines(&decided.proposal.writs, projection),
                )
            }
            None => (Vec::new(), Vec::new()),
        },
        BodyState::Erased | BodyState::UnknownKind(_) | BodyState::Invalid(_) => {
            (Vec::new(), Vec::new())
        }
    };
    let header = &entry.header;
    Detail {
        event,
        body,
        trace,
        writs,
        chain: ChainFacts {
            log: header.log,
            index: header.index,
            seq: header.seq,
            id: entry.id,
            prev: header.prev,
            commitment: commitment(entry),
            writer: header.writer.to_string(),
            header: String::from_utf8_lossy(&entry.header_bytes).into_owned(),
        },
    }
}

fn commitment(entry: &Entry) -> String {
    serde_json::to_value(entry.header.body)
        .ok()
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .unwrap_or_default()
}

fn writ_lines(writs: &[thymos_core::WritId], projection: &Projection) -> Vec<String> {
    writs
        .iter()
        .map(|id| match projection.writs.get(id) {
            Some(signed) => {
                let writ = &signed.writ;
                let grants: Vec<String> = writ.grants.iter().map(grant_words).collect();
                let signature = if signed.signature_holds() {
                    "signed"
                } else {
                    "BAD SIGNATURE"
                };
                format!(
                    "{} `{}` by {} ({signature}), effects {}: {}",
                    id.short(),
                    writ.name,
                    writ.issuer.name,
                    writ.effects,
                    grants.join(", ")
                )
            }
            None => format!("{} (not issued on this trajectory)", id.short()),
        })
        .collect()
}
