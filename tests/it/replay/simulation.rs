//! History decided again under candidates `[P5]`: rules, a writ, and answers in advance.

use serde_json::json;
use thymos_compiler::Word;
use thymos_core::approval::Decision;
use thymos_core::budget::Budget;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::writ::{Grant, Mode, Writ};
use thymos_core::{Entry, TrajectoryId};
use thymos_policy::{PolicySet, Switches};
use thymos_replay::{Candidate, SimulatedReport, SimulatedRow, Simulation, simulate};
use thymos_testkit::fixtures::{roots, writ};
use thymos_testkit::model::calls;
use thymos_testkit::road::open_policy;
use thymos_testkit::{FakeTool, Step};

use super::record;
use crate::flow::rig::{Setup, policy};

fn under(entries: &[Entry], candidate: Candidate) -> SimulatedReport {
    let report = simulate(entries.iter(), candidate, roots());
    assert_eq!(report.unreadable, 0);
    report
}

fn told(rows: &[SimulatedRow]) -> Vec<(&str, Word, Word)> {
    let told = |row: &SimulatedRow| (row.was, row.would_be);
    rows.iter()
        .map(|row| (row.line.as_str(), told(row).0, told(row).1))
        .collect()
}

fn candidate(change: impl FnOnce(&mut Writ)) -> Candidate {
    Candidate::Writs(vec![writ().with(change).unsigned()])
}

fn writing(path: &str) -> Grant {
    Grant {
        tool: "fs_write".into(),
        caveats: vec![Caveat {
            arg: "path".into(),
            must: Condition::Under(path.into()),
        }],
    }
}

#[tokio::test]
async fn p5_the_rules_that_were_in_force_change_nothing() {
    let report = under(
        &record::play().await,
        Candidate::Policy(PolicySet::builtin()),
    );
    assert_eq!((report.changes.as_slice(), report.changed()), (&[][..], 0));
    // Four and three calls in Auto, one and five in Edit; what came of answers is not decided again.
    assert_eq!((report.decisions, report.uncertain), (13, 0));
}

#[tokio::test]
async fn p5_a_stricter_policy_lists_what_it_would_have_refused() {
    let strict = Candidate::Policy(policy("forbid", json!([])));
    let report = under(&record::play().await, strict);
    let refused = |word| report.totals.get(&(word, Word::Refused)).copied();
    assert_eq!(refused(Word::Cleared), Some(6));
    assert_eq!(refused(Word::Held), Some(5));
    assert_eq!(refused(Word::Refused), Some(2));
    assert_eq!((report.changes.len(), report.changed()), (11, 11));
    let first = &report.changes[0];
    assert_eq!(
        (first.tool.as_str(), first.line.as_str()),
        ("fs_read", "README.md")
    );
    assert!(first.because.starts_with("C13: "), "{}", first.because);
}

#[tokio::test]
async fn p5_a_milder_policy_tells_what_people_had_answered() {
    let report = under(&record::play().await, Candidate::Policy(open_policy()));
    let answered: Vec<_> = report.changes.iter().map(|row| row.answered).collect();
    let (yes, no) = (Some(Decision::Approve), Some(Decision::Deny));
    // The last but one ended with its writ before anybody answered.
    assert_eq!(answered, [yes, yes, no, None, None]);
    let held: Vec<_> = told(&report.changes);
    assert!(
        held.iter()
            .all(|row| (row.1, row.2) == (Word::Held, Word::Cleared))
    );
    assert_eq!(held[4].0, "cargo fetch");
}

#[tokio::test]
async fn p5_a_switch_counts_like_a_rule() {
    let switches = Switches {
        risk_threshold: Risk::Low,
        ..Switches::standard()
    };
    let set = PolicySet::new(PolicySet::builtin().bundles().to_vec(), switches);
    let report = under(&record::play().await, Candidate::Policy(set));
    let asked = report.totals.get(&(Word::Cleared, Word::Held)).copied();
    assert_eq!(asked, Some(5));
    assert!(
        report.changes[0].because.contains("C15: risk low"),
        "{:?}",
        report.changes[0]
    );
}

#[tokio::test]
async fn p5_a_candidate_writ_must_allow_every_call_as_well() {
    let read_only = candidate(|writ| {
        writ.effects = thymos_core::effect::Effects::Ceiling(EffectClass::Read);
    });
    let report = under(&record::play().await, read_only);
    assert!(
        report
            .changes
            .iter()
            .all(|row| row.would_be == Word::Refused)
    );
    assert!(
        report
            .changes
            .iter()
            .all(|row| row.because.starts_with("C9: "))
    );
    let lines: Vec<&str> = report.changes.iter().map(|row| row.line.as_str()).collect();
    assert_eq!(
        lines[..3],
        ["cups value=2", "cups value=2", "a.txt content=new"]
    );
    assert_eq!(lines.len(), 9);
}

#[tokio::test]
async fn p5_a_candidate_writ_pays_for_what_it_would_have_allowed() {
    let few = candidate(|writ| {
        writ.budget = Budget {
            tool_calls: Some(2),
            ..Budget::unlimited()
        };
    });
    let report = under(&record::play().await, few);
    let first = &report.changes[0];
    // The read and the failed search are paid for; the first write of cups is the third call.
    assert_eq!(
        (first.tool.as_str(), first.would_be),
        ("kv_set", Word::Refused)
    );
    assert!(first.because.starts_with("C11: "), "{}", first.because);
}

#[tokio::test]
async fn p5_pre_answers_tell_what_they_cover_and_what_they_nearly_do() {
    let report = under(
        &record::play().await,
        Candidate::PreAnswers(vec![writing("b.txt")]),
    );
    let line = |path: &str| format!("{path} content=new");
    let (b, c, d, a) = (line("b.txt"), line("c.txt"), line("d.txt"), line("a.txt"));
    let (e, f) = (line("notes/e.txt"), line("notes/f.txt"));
    assert_eq!(
        told(&report.changes),
        [(b.as_str(), Word::Held, Word::Cleared)]
    );
    assert_eq!(told(&report.reach.covered), told(&report.changes));
    assert_eq!(
        told(&report.reach.near),
        [
            (a.as_str(), Word::Cleared, Word::Cleared),
            (e.as_str(), Word::Held, Word::Held),
            (f.as_str(), Word::Cleared, Word::Cleared),
            (c.as_str(), Word::Held, Word::Held),
            (d.as_str(), Word::Held, Word::Held),
        ]
    );
    assert_eq!(report.reach.near[3].answered, Some(Decision::Deny));
    assert_eq!(report.reach.worst, Some(EffectClass::Write));
    assert_eq!(
        (report.reach.covered_total, report.reach.near_total),
        (1, 5)
    );
}

#[tokio::test]
async fn p5_a_pre_answer_lifts_no_refusal_and_covers_nothing_final() {
    let launch = FakeTool::new("launch").effect(EffectClass::Irreversible);
    let step = Step::Turn(calls(vec![("launch", json!({})), ("brew", json!({}))]));
    let mut rig = Setup::new(vec![step], &[&launch])
        .open_under("", |_| {})
        .await;
    rig.run("go").await;
    let any = ["launch", "brew"].map(|tool| Grant {
        tool: tool.into(),
        caveats: Vec::new(),
    });
    let entries = rig.setup.store.entries();
    let report = under(&entries, Candidate::PreAnswers(any.to_vec()));
    assert_eq!(report.changed(), 0);
    assert_eq!(report.reach.worst, Some(EffectClass::Irreversible));
    rig.verified().await;
}

#[tokio::test]
async fn p5_a_call_with_a_redacted_span_is_said_to_be_uncertain() {
    let tool = FakeTool::new("grep");
    let secret = ["hunter", "2-and-then-some"].concat();
    let step = Step::Turn(calls(vec![("grep", json!({"pattern": secret}))]));
    let setup = Setup::new(vec![step], &[&tool]).with(|setup| setup.secrets = vec![secret]);
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("look").await;
    let strict = Candidate::Policy(policy("forbid", json!([])));
    let report = under(&rig.setup.store.entries(), strict);
    assert_eq!((report.decisions, report.uncertain), (1, 1));
    assert!(!report.changes[0].certain);
    rig.verified().await;
}

#[tokio::test]
async fn p5_one_trajectory_can_be_asked_about_alone() {
    let entries = record::play().await;
    let asked = |trajectory| {
        let candidate = Candidate::Policy(policy("forbid", json!([])));
        let mut simulation = Simulation::new(candidate, roots()).only(trajectory);
        entries.iter().for_each(|entry| simulation.push(entry));
        simulation.finish().decisions
    };
    assert_eq!(asked(entries[0].header.trajectory), 13);
    assert_eq!(asked(TrajectoryId::of(b"another")), 0);
}
