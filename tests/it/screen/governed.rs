//! What the scripted kernel tells of authority: writs, rules, scopes, grants, plans, skills.

use thymos_core::budget::{Cost, Dimension};
use thymos_core::effect::EffectClass;
use thymos_core::id::{Digest, PolicySetId, ProposalId};
use thymos_core::{EntryId, TrajectoryId, WritId};
use thymos_protocol::{
    BudgetBar, ChangedVerdict, Command, Fault, GrantPreview, PastCall, Policies, PolicyRow, Reach,
    Replied, RunParent, RunRow, ScopePreview, Simulation, SkillParamRow, SkillRow, UndoPlan,
    UndoStep, WritRow, WritState,
};

use super::kernel::{Kernel, NOON, proposal, trajectory};

/// The answer to a question about authority; none when it is no such question.
pub(crate) fn look(kernel: &Kernel, command: &Command) -> Option<Replied> {
    Some(match command {
        Command::Writs { .. } => Replied::Writs(kernel.writs.clone()),
        Command::Policies | Command::ReloadPolicy => Replied::Policies(kernel.policies.clone()),
        Command::Simulate { .. } => Replied::Simulated(simulation()),
        Command::PreviewScope { scope, .. } => match &scope.reach {
            Reach::Slots(slots) if slots.contains(&0) => fault("place 0 is the command"),
            reach => Replied::ScopePreview(Box::new(scope_preview(kernel, reach))),
        },
        Command::PreviewGrant { entry, .. } => Replied::GrantPreview(GrantPreview {
            entry: *entry,
            line: "net_get http://10.0.0.8".into(),
            difference: vec!["+ tool net_get, host 10.0.0.8".into()],
        }),
        Command::PlanUndo { .. } => Replied::UndoPlan(kernel.plan.clone()),
        Command::Skills => Replied::Skills(skills()),
        Command::Runs => Replied::Runs(kernel.runs.clone()),
        Command::Branch { .. } => {
            let mut status = kernel.status.clone();
            status.trajectory = branch();
            status.head_seq = 0;
            Replied::Opened(Box::new(status))
        }
        _ => return None,
    })
}

fn fault(message: &str) -> Replied {
    Replied::Fault(Fault {
        message: message.into(),
        hint: None,
    })
}

/// The trajectory that a branch makes.
pub(crate) fn branch() -> TrajectoryId {
    TrajectoryId::of(b"branch")
}

fn child() -> TrajectoryId {
    TrajectoryId::of(b"child")
}

pub(crate) fn writ_id(name: &str) -> WritId {
    WritId::of(name.as_bytes())
}

/// A root, the writ in force below it, a standing one, and one that was revoked.
pub(crate) fn writs() -> Vec<WritRow> {
    let mut root = writ("ada", None, WritState::Issued);
    root.remarks = vec!["grant `mail_*` can never match: no such tool".into()];
    root.expires_at = None;
    root.budget.clear();
    let mut edit = writ("edit", Some("ada"), WritState::InForce);
    edit.stops = vec![
        "session t-54b2da94".into(),
        "running: shell cargo test".into(),
        "hold #1 fs_patch src/client.rs".into(),
    ];
    let standing = writ("once more", Some("edit"), WritState::Standing);
    let old = writ("old", Some("edit"), WritState::Revoked);
    vec![root, edit, standing, old]
}

fn writ(name: &str, parent: Option<&str>, state: WritState) -> WritRow {
    let bar = |dimension, spent, limit| BudgetBar {
        dimension,
        spent,
        limit,
    };
    WritRow {
        id: writ_id(name),
        parent: parent.map(writ_id),
        depth: match parent {
            None => 0,
            Some("ada") => 1,
            Some(_) => 2,
        },
        trajectory: trajectory(),
        name: name.into(),
        issuer: "ada".into(),
        subject: "session".into(),
        tenant: String::new(),
        grants: vec![
            "fs_* where path under src".into(),
            "shell where argv[0] is cargo".into(),
        ],
        effects: "up to write".into(),
        isolation_min: "L2 or better".into(),
        budget: vec![
            bar(Dimension::Tokens, 50_000, Some(100_000)),
            bar(Dimension::ToolCalls, 34, Some(40)),
            bar(Dimension::WallClockMs, 12_000, None),
            bar(Dimension::UsdMillicents, 82_000, Some(200_000)),
        ],
        pending: Cost {
            tool_calls: 2,
            ..Cost::default()
        },
        not_before: NOON,
        expires_at: Some(NOON.plus_ms(4 * 3_600_000)),
        max_depth: 1,
        state,
        stops: Vec::new(),
        remarks: Vec::new(),
    }
}

/// The built-in bundle and one of the operator's, with a file that was not loaded.
pub(crate) fn policies() -> Policies {
    let row = |name: &str, signed_by: Option<&str>, rules: &[&str]| PolicyRow {
        name: name.into(),
        version: "3".into(),
        signed_by: signed_by.map(str::to_owned),
        until: None,
        default: "ask".into(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
    };
    Policies {
        set: PolicySetId::of(b"set"),
        bundles: vec![
            row(
                "builtin",
                None,
                &["write-review: ask: writes need a person"],
            ),
            row("team", Some("cleo"), &["no-net: forbid: no network here"]),
        ],
        switches: vec!["risk threshold high".into(), "compensation gate on".into()],
        refused: vec!["loose.json: not signed by a policy key".into()],
    }
}

fn simulation() -> Simulation {
    let change = |seq: u64, of: TrajectoryId| ChangedVerdict {
        entry: EntryId::of(&seq.to_be_bytes()),
        trajectory: of,
        seq,
        tool: "shell".into(),
        line: "shell cargo test".into(),
        was: "cleared".into(),
        would_be: "held".into(),
        because: "strict/no-shell: commands need a person".into(),
    };
    Simulation {
        candidate: "strict 1".into(),
        decisions: 40,
        changes: vec![change(3, trajectory()), change(5, branch())],
        uncertain: 2,
    }
}

fn scope_preview(kernel: &Kernel, reach: &Reach) -> ScopePreview {
    let past = |seq: u64, line: &str, decided: &str| PastCall {
        entry: EntryId::of(&seq.to_be_bytes()),
        seq,
        tool: "shell".into(),
        line: line.into(),
        decided: decided.into(),
    };
    ScopePreview {
        proposal: kernel.holds.first().unwrap().card.proposal,
        writ: vec![format!("answers asks for: {reach:?}"), "10 uses".into()],
        matches: vec![past(3_990, "cargo test -p core", "denied: not now")],
        matched: 12,
        worst: Some(EffectClass::External),
        near_misses: vec![past(3_991, "cargo test --config x", "approved")],
        covers: kernel.holds.iter().map(|row| row.card.proposal).collect(),
    }
}

/// Two steps; the older one cannot be undone when the plan is not complete.
pub(crate) fn plan(complete: bool) -> UndoPlan {
    let step = |name: &str, seq: u64, cannot: Option<&str>| UndoStep {
        entry: EntryId::of(&seq.to_be_bytes()),
        trajectory: trajectory(),
        seq,
        proposal: proposal(name),
        tool: "fs_patch".into(),
        line: format!("fs_patch {name}.rs"),
        will: match cannot {
            None => vec![format!("restore {name}.rs to 9af1, 20 bytes")],
            Some(_) => Vec::new(),
        },
        cannot: cannot.map(str::to_owned),
    };
    UndoPlan {
        digest: Digest::of(b"plan"),
        steps: vec![
            step("two", 6, None),
            step("one", 4, (!complete).then_some("its content was not kept")),
        ],
        complete,
        unseen: vec!["not looked into: target".into()],
    }
}

fn skills() -> Vec<SkillRow> {
    let param = |key: &str, default: Option<&str>, values: &[&str]| SkillParamRow {
        key: key.into(),
        description: format!("the {key}"),
        default: default.map(str::to_owned),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let skill = |name: &str, params, fault: Option<&str>| SkillRow {
        name: name.into(),
        version: 2,
        title: format!("how to {name}"),
        id: "abcd".into(),
        signed_by: Some("cleo".into()),
        params,
        fault: fault.map(str::to_owned),
        unauthorized: false,
    };
    vec![
        skill(
            "review",
            vec![
                param("folder", Some("src"), &[]),
                param("depth", Some("shallow"), &["deep", "shallow"]),
                param("topic", None, &[]),
            ],
            None,
        ),
        skill("broken", Vec::new(), Some("line 3: unknown tool")),
    ]
}

/// The open trajectory, a child it delegated, and a branch off it.
pub(crate) fn runs() -> Vec<RunRow> {
    let run = |id: TrajectoryId, title: &str, state: &str, branched: Option<bool>| RunRow {
        agents: 0,
        trajectory: id,
        title: title.into(),
        workspace: "/srv/acme/api".into(),
        head_seq: 2,
        at_ms: NOON,
        state: state.into(),
        pending: 0,
        in_doubt: 0,
        parent: branched.map(|branched| RunParent {
            trajectory: trajectory(),
            branched,
        }),
        spent: Cost {
            tool_calls: 3,
            usd_millicents: 82_000,
            ..Cost::default()
        },
    };
    let mut first = run(trajectory(), "add retry", "held", None);
    first.pending = 2;
    first.in_doubt = 1;
    vec![
        run(branch(), "add retry, again", "idle", Some(true)),
        first,
        run(child(), "find callers", "running", Some(false)),
    ]
}

/// Which proposals a command would put before the gate again.
pub(crate) fn drained(command: &Command) -> Option<&[ProposalId]> {
    match command {
        Command::Drain { proposals, .. } => Some(proposals),
        _ => None,
    }
}
