//! What the scripted kernel tells of its record: entries in full, matches, worlds, lists.

use thymos_core::body::Role;
use thymos_core::budget::Cost;
use thymos_core::trace::{Clause, Ruling};
use thymos_core::writ::Mode;
use thymos_core::{LogId, TrajectoryId};
use thymos_protocol::{
    ChainFacts, Command, Detail, Event, Fault, Found, FoundEnd, ModelRow, Page, Provenance,
    ProvenanceOf, ProvenanceStep, Relation, ReplayReport, ReplayVerdict, ReplayedRun, Replied,
    TraceRow, VerifyReport, What, WorldDiff, WorldDiffRow, WorldRow, WorldView,
};

use super::kernel::Kernel;

/// The answer to a question about the record; none when it is no such question.
pub(crate) fn look(kernel: &Kernel, command: &Command) -> Option<Replied> {
    Some(match command {
        Command::Inspect { entry } => {
            let event = kernel.events.iter().find(|event| event.entry == *entry)?;
            Replied::Detail(Box::new(detail(event)))
        }
        Command::Find { filter, .. } => found(kernel, filter),
        Command::Rows { places, .. } => rows(kernel, places),
        Command::Messages => Replied::Messages(said(kernel)),
        Command::Cancel { .. } => Replied::Accepted,
        Command::Provenance { trajectory, of } => provenance(kernel, *trajectory, of),
        Command::WorldDiff {
            from_seq, to_seq, ..
        } => Replied::WorldDiff(Box::new(differing(*from_seq, *to_seq))),
        Command::WorldAt { seq, .. } => Replied::World(world(*seq)),
        Command::FileAt { path, seq, .. } => {
            (*path == "src/client.rs").then_some(())?;
            Replied::FileText(Some(format!("// as of {seq}\nfn main() {{}}\n")))
        }
        Command::Verify { .. } => Replied::Verified(verified(kernel)),
        Command::Replay { trajectory } => Replied::Replayed(Box::new(ReplayReport {
            runs: vec![replayed(kernel, *trajectory)],
            elsewhere: 0,
            unplaced: 0,
            ledger: verified(kernel),
        })),
        Command::Models => Replied::Models(vec![
            ModelRow {
                name: "practice".into(),
                key: "no key needed".into(),
                current: true,
            },
            ModelRow {
                name: "anthropic/claude-x".into(),
                key: "env ANTHROPIC_API_KEY set".into(),
                current: false,
            },
        ]),
        _ => return None,
    })
}

/// What the operator said here and elsewhere, newest first, each once.
fn said(kernel: &Kernel) -> Vec<String> {
    let here = kernel
        .events
        .iter()
        .rev()
        .filter_map(|event| match &event.what {
            What::Said { role, text, .. } if *role == Role::Operator => Some(text.clone()),
            _ => None,
        });
    let mut texts = Vec::new();
    for text in here.chain(kernel.past.iter().cloned()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn verified(kernel: &Kernel) -> VerifyReport {
    VerifyReport {
        before: None,
        entries: kernel.events.len() as u64,
        trajectories: 1,
        levels: vec!["V1".into(), "V2".into()],
        findings: Vec::new(),
        caveat: "a lone ledger cannot prove that its end was not cut off".into(),
    }
}

/// A run of a replayed tree in which nothing is wrong.
pub(crate) fn replayed(kernel: &Kernel, trajectory: TrajectoryId) -> ReplayedRun {
    ReplayedRun {
        trajectory,
        kinship: "itself".into(),
        depth: 0,
        at_seq: None,
        verdict: ReplayVerdict::Verified,
        entries: kernel.events.len() as u64,
        decisions: 2,
        signatures: 3,
        witnessed: 0,
        unchecked: 0,
        resources: 0,
        world: None,
        findings_total: 0,
        findings: Vec::new(),
    }
}

/// A run that nobody has open.
pub(crate) fn elsewhere() -> TrajectoryId {
    TrajectoryId::of(b"elsewhere")
}

fn found(kernel: &Kernel, filter: &str) -> Replied {
    if let Some(at) = filter.find("oops:") {
        return Replied::Fault(Fault {
            message: format!("filter column {}: unknown field `oops`", at + 1),
            hint: None,
        });
    }
    let word = filter
        .trim_start_matches("text:")
        .trim_matches('"')
        .to_owned();
    let log = filter.contains("run:");
    let wanted = |event: &&Event| format!("{:?} kind:{}", event.what, event.kind).contains(&word);
    let events = kernel.events.iter().filter(|event| log || wanted(event));
    let mut events: Vec<Event> = events.cloned().collect();
    let mut count = kernel.events.len() as u64;
    if log && let Some(newest) = events.last().cloned() {
        events.push(Event {
            trajectory: elsewhere(),
            index: count,
            ..newest
        });
        count += 1;
    }
    Replied::Found(Found {
        events,
        looked_at: count,
        of: count,
        log,
        end: Some(FoundEnd::Whole),
    })
}

fn rows(kernel: &Kernel, seqs: &[u64]) -> Replied {
    let events = kernel.events.iter().filter(|e| seqs.contains(&e.seq));
    Replied::Page(Page {
        events: events.cloned().collect(),
        status: None,
    })
}

/// The entry and all before it lead to it; those after it come of it.
fn provenance(kernel: &Kernel, trajectory: TrajectoryId, of: &ProvenanceOf) -> Replied {
    let (seq, resource) = match of {
        ProvenanceOf::Seq(seq) => (*seq, None),
        ProvenanceOf::Resource { resource, seq } => (*seq, Some(resource.clone())),
    };
    let step = |event: &Event, relation| ProvenanceStep {
        relation,
        above: 0,
        resource: resource.clone(),
        event: event.clone(),
    };
    let (back, forward): (Vec<&Event>, Vec<&Event>) =
        kernel.events.iter().partition(|event| event.seq <= seq);
    Replied::Provenance(Some(Box::new(Provenance {
        trajectory,
        entry: back.last().unwrap().entry,
        seq,
        resource: resource.clone(),
        back: back
            .iter()
            .rev()
            .map(|event| step(event, Relation::Wanted))
            .collect(),
        forward: forward
            .iter()
            .map(|event| step(event, Relation::Read))
            .collect(),
        forward_left: 3,
        notes: vec!["entries on the way were erased".into()],
    })))
}

fn differing(from_seq: u64, to_seq: u64) -> WorldDiff {
    let row = |seq: u64| world(seq).rows.swap_remove(0);
    WorldDiff {
        from_seq,
        from_digest: "77ac".into(),
        to_seq,
        to_digest: "88bd".into(),
        rows: vec![WorldDiffRow {
            resource: "file:src/client.rs".into(),
            before: Some(row(from_seq)),
            after: Some(row(to_seq)),
        }],
        from_spent: Cost::default(),
        to_spent: Cost {
            tool_calls: 2,
            ..Cost::default()
        },
        partial: false,
    }
}

fn world(seq: u64) -> WorldView {
    WorldView {
        seq,
        partial: false,
        digest: "77ac77ac77ac".into(),
        rows: vec![
            WorldRow {
                resource: "file:src/client.rs".into(),
                version: seq,
                seq,
                value: "20 bytes, 9af1".into(),
            },
            WorldRow {
                resource: "kv:colour".into(),
                version: 1,
                seq: 1,
                value: "\"red\"".into(),
            },
        ],
    }
}

fn detail(event: &Event) -> Detail {
    let row = |clause: Clause, ruling, rule: Option<&str>, said: &str| TraceRow {
        clause,
        title: clause.title().into(),
        rule: rule.map(str::to_owned),
        ruling,
        said: said.into(),
    };
    Detail {
        event: event.clone(),
        body: Some(serde_json::json!({
            "decided": { "proposal": { "intent": { "args": { "path": "src/client.rs" } } } }
        })),
        trace: vec![
            row(Clause::C8, Ruling::Permit, None, "the grant covers it"),
            row(
                Clause::C13,
                Ruling::Ask,
                Some("builtin/write-review"),
                "writes need a human",
            ),
        ],
        writs: vec!["11aa22bb `edit` by ada (signed), effects up to write".into()],
        chain: ChainFacts {
            log: LogId::of(b"log"),
            index: event.index,
            seq: event.seq,
            id: event.entry,
            prev: None,
            commitment: "c0ffee".into(),
            writer: "ed25519:ab".into(),
            header: format!(
                "{{\"kind\":\"{}\",\"mode\":\"{}\"}}",
                event.kind,
                Mode::Edit.word()
            ),
        },
    }
}
