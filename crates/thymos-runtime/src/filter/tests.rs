//! Each field over told events, the grammar, and columns of faults.

use proptest::prelude::*;
use thymos_core::approval::Via;
use thymos_core::budget::Cost;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::entry::{Commitment, Salt};
use thymos_core::id::ProposalId;
use thymos_core::isolation::Rung;
use thymos_core::trace::Clause as KernelClause;
use thymos_core::{EntryId, IntentId, LogId, TrajectoryId, WritId};
use thymos_protocol::{DecidedBy, FileChange, What};
use thymos_testkit::fixtures::operator_key;

use super::*;

const NOW: Timestamp = Timestamp(1_795_379_044_007); // 2026-11-22T20:24:04.007Z

fn event(seq: u64, kind: &str, what: What) -> Event {
    Event {
        trajectory: TrajectoryId::of(b"run"),
        seq,
        index: seq,
        at_ms: NOW,
        entry: EntryId::of(&seq.to_be_bytes()),
        kind: kind.to_owned(),
        what,
    }
}

fn committed() -> Event {
    let what = What::Committed {
        intent: IntentId::of(b"i"),
        proposal: ProposalId::of(b"p"),
        tool: "fs_patch".to_owned(),
        line: "fs_patch src/lib.rs +8 -2".to_owned(),
        ok: true,
        summary: "patched".to_owned(),
        observation: "Two words, a comma".to_owned(),
        changes: vec![FileChange {
            path: "src/lib.rs".to_owned(),
            change: "changed".to_owned(),
            size_before: Some(1),
            size_after: Some(2),
        }],
        cost: Cost {
            tokens: 0,
            tool_calls: 1,
            wall_clock_ms: 9,
            usd_millicents: 12_000,
        },
        rung: None,
        truncated: false,
        unseen: None,
    };
    event(4176, "commit", what)
}

fn started() -> Event {
    let what = What::Started {
        intent: IntentId::of(b"i"),
        proposal: ProposalId::of(b"p"),
        tool: "shell".to_owned(),
        line: "shell cargo test".to_owned(),
        effect: EffectClass::External,
        risk: Risk::High,
        rung: Rung::L2,
        allowed_by: "rule builtin/ask-external".to_owned(),
    };
    event(4175, "started", what)
}

fn rejected() -> Event {
    let what = What::Rejected {
        intent: IntentId::of(b"i"),
        proposal: ProposalId::of(b"p"),
        tool: "net_get".to_owned(),
        line: "net_get http://10.0.0.8".to_owned(),
        clause: KernelClause::C8,
        reason: "tool `net_get` is outside this writ".to_owned(),
        suggestion: None,
        denied: false,
    };
    event(4171, "rejection", what)
}

fn decided(via: Via) -> Event {
    let what = What::Decided {
        proposal: ProposalId::of(b"p"),
        approved: true,
        by: DecidedBy {
            name: "ada".to_owned(),
            via,
            fully_viewed: true,
        },
        reason: "fine".to_owned(),
        presented: thymos_core::id::PresentedDigest::of(b"x"),
    };
    event(4174, "approval", what)
}

fn passes(filter: &str, event: &Event) -> bool {
    Filter::parse(filter, NOW)
        .unwrap_or_else(|e| panic!("`{filter}`: {e}"))
        .matches(event)
}

fn check(filter: &str, event: &Event) {
    assert!(passes(filter, event), "`{filter}` should pass");
    assert!(
        !passes(&format!("-{filter}"), event),
        "`-{filter}` should not pass"
    );
}

fn check_not(filter: &str, event: &Event) {
    assert!(!passes(filter, event), "`{filter}` should not pass");
    assert!(
        passes(&format!("-{filter}"), event),
        "`-{filter}` should pass"
    );
}

fn check_fault(filter: &str, column: usize, message: &str, hint: Option<&str>) {
    let error = Filter::parse(filter, NOW).expect_err(filter);
    assert_eq!(
        (
            error.column,
            error.fault.to_string().as_str(),
            error.hint.as_deref()
        ),
        (column, message, hint),
        "{filter}"
    );
}

#[test]
fn a_space_is_and_a_comma_is_or_a_minus_is_not() {
    assert!(passes("", &committed()));
    assert!(passes("kind:commit tool:fs_*", &committed()));
    assert!(!passes("kind:commit tool:shell", &committed()));
    assert!(passes("kind:rejection,commit", &committed()));
    assert!(passes(
        "-kind:rejection,started  tool:fs_patch",
        &committed()
    ));
    assert!(!passes("-kind:rejection,commit", &committed()));
}

#[test]
fn every_field_is_judged_by_what_the_event_tells() {
    check("kind:commit", &committed());
    check("kind:com*", &committed());
    check("kind:reject", &rejected());
    check_not("kind:started", &committed());
    check("tool:fs_*", &committed());
    check_not("tool:fs", &committed());
    check("effect:external", &started());
    check("effect:>=write", &started());
    check_not("effect:read..write", &started());
    check_not("effect:read", &committed());
    check("verdict:staged", &started());
    check("verdict:approved,denied", &decided(Via::Tui));
    check("verdict:rejected", &rejected());
    check("by:human", &decided(Via::Tui));
    check("by:ada/tui", &decided(Via::Tui));
    check("by:timer", &decided(Via::Timer));
    check_not("by:human", &decided(Via::Timer));
    check("path:src/*", &committed());
    check_not("path:src", &committed());
    check("path:*10.0.0.8", &rejected());
    check("rule:builtin/ask-*", &started());
    check("rule:c8", &rejected());
    check_not("rule:c8", &committed());
}

#[test]
fn ids_are_matched_by_their_start() {
    let id = TrajectoryId::of(b"run").to_string();
    check(&format!("run:{}", id.get(..6).unwrap()), &committed());
    check(&format!("run:t-{id}"), &committed());
    check_not("run:0000", &committed());
    let writ = WritId::of(b"w");
    let issued = event(
        1,
        "writ_issued",
        What::WritIssued {
            id: writ,
            line: "edit".to_owned(),
        },
    );
    check(&format!("writ:{}", writ.short()), &issued);
    check_not("writ:00", &issued);
}

#[test]
fn times_are_dates_moments_and_ages() {
    for since in [
        "2026-11-22",
        "2026-11-22T20:24:04Z",
        "2026-11-22T21:24:04.007+01:00",
        "10m",
        "3d",
    ] {
        check(&format!("since:{since}"), &committed());
    }
    for until in ["2026-11-22", "2026-11-22T20:24:04.007Z", "2026-12-01", "0s"] {
        check(&format!("until:{until}"), &committed());
    }
    check_not("since:2026-11-23", &committed());
    check_not("until:2026-11-21", &committed());
    check_not("until:1s", &committed());
    assert!(passes("since:2000-02-29", &committed()));
    assert_eq!(
        time::parse("2000-02-29", NOW).map(|span| span.0),
        Some(Timestamp(951_782_400_000))
    );
}

#[test]
fn numbers_and_costs_take_ranges() {
    for seq in [
        "4176",
        "4100..4200",
        "4176..",
        "..4176",
        ">4175",
        ">=4176",
        "<4177",
        "<=4176",
    ] {
        check(&format!("seq:{seq}"), &committed());
    }
    check_not("seq:4177..4200", &committed());
    check_not("seq:<0", &committed());
    for cost in [">0.10", "0.12", "$0.1..0.2", "<=9ms", "1ms..1s"] {
        check(&format!("cost:{cost}"), &committed());
    }
    check_not("cost:>0.12", &committed());
    check_not("cost:>0", &rejected());
}

#[test]
fn words_are_found_anywhere_and_quotes_keep_them_together() {
    check("WORDS", &committed());
    check("text:patched", &committed());
    check("\"two words, a\"", &committed());
    check_not("\"words two\"", &committed());
    check("two*comma", &committed());
    check_not("text:\"two*comma\"", &committed());
    check("re:^Two\\s", &committed());
    check_not("re:^two", &committed());
    check("src/lib.rs", &committed());
}

#[test]
fn a_fault_names_its_column_and_what_was_meant() {
    check_fault(
        "kidn:commit",
        1,
        "unknown field `kidn`",
        Some("did you mean `kind`?"),
    );
    let quotes = Some("put words that hold a colon into quotes");
    check_fault("a  http://x", 4, "unknown field `http`", quotes);
    check_fault(
        "kind:commti",
        6,
        "`kind` knows no `commti`",
        Some("did you mean `commit`?"),
    );
    check_fault("kind:commit,", 13, "a value is missing", None);
    check_fault("ü text:", 8, "a value is missing", None);
    check_fault("-", 2, "a value is missing", None);
    check_fault("text:\"open", 6, "a quote is not closed", None);
    let range = Some("`seq:` takes a number or a range: 4100..4200, >4100");
    check_fault("seq:a", 5, "`a` is neither a number nor a range", range);
    check_fault("seq:..", 5, "`..` is neither a number nor a range", range);
    check_fault(
        "cost:1e3",
        6,
        "`1e3` is neither money nor a time span",
        Some("`cost:` takes US dollars, or time: >0.10, <=250ms, 1s..5s"),
    );
    check_fault(
        "since:2026-02-29",
        7,
        "`2026-02-29` is neither a date nor an age",
        Some("`since:` takes a date, a time or an age: 2026-11-22, 2h"),
    );
    check_fault(
        "run:xyz",
        5,
        "`xyz` is not the start of an id",
        Some("an id is hex digits, as `--json` prints them"),
    );
    let error = Filter::parse("re:(", NOW).unwrap_err();
    assert!(matches!(error.fault, FilterFault::NotAPattern(_)));
    assert_eq!(
        Filter::parse(&"a".repeat(5000), NOW).unwrap_err().fault,
        FilterFault::TooLong
    );
    assert_eq!(
        Filter::parse("x y:z", NOW).unwrap_err().to_string(),
        "filter column 3: unknown field `y`"
    );
}

proptest! {
    #[test]
    fn parsing_and_matching_never_panic(
        field in proptest::sample::select(FIELDS.iter().map(|f| f.0).collect::<Vec<_>>()),
        value in "\\PC{0,20}",
        free in "[a-z:,\"\\\\ *.><=-]{0,30}",
    ) {
        for text in [format!("{field}:{value}"), free.clone(), value.clone()] {
            if let Ok(filter) = Filter::parse(&text, NOW) {
                for event in [committed(), started(), rejected(), decided(Via::Cli)] {
                    std::hint::black_box(filter.matches(&event));
                }
            }
        }
    }
}

/// The header that the entry of an event would have.
fn header(event: &Event) -> EntryHeader {
    EntryHeader {
        at_ms: event.at_ms,
        body: Commitment::of(&Salt::from_bytes([1; 32]), b"{}"),
        index: event.index,
        kind: event.kind.clone(),
        log: LogId::of(b"log"),
        prev: None,
        seq: event.seq,
        trajectory: event.trajectory,
        v: 1,
        writer: operator_key().public(),
    }
}

#[test]
fn what_a_header_rules_out_never_matches_and_headers_alone_decide_what_they_can() {
    let events = [committed(), started(), rejected()];
    let terms = [
        "kind:commit",
        "-kind:commit",
        "kind:started,rejection",
        "-kind:started,commit",
        "seq:4176",
        "-seq:4000..4200",
        "since:2h",
        "until:2h",
        "-since:2h",
        "run:0",
        "-run:0",
        "tool:shell",
        "-tool:shell",
        "effect:>=write",
        "verdict:committed",
        "by:model",
        "path:src/lib.rs",
        "rule:C8",
        "cost:>0.01",
        "text:words",
        "-text:words",
        "re:^fs",
        "kind:commit,started",
        "words",
    ];
    let mut ruled_out = 0;
    for one in terms {
        for other in terms {
            let filter = Filter::parse(&format!("{one} {other}"), NOW).unwrap();
            for event in &events {
                let may = filter.may_let_through(&header(event));
                assert!(
                    may || !filter.matches(event),
                    "{one} {other}: {}",
                    event.kind
                );
                ruled_out += usize::from(!may);
            }
        }
    }
    assert!(ruled_out > 400, "{ruled_out}");
    let only = Filter::parse("kind:commit,started seq:4176", NOW).unwrap();
    let may: Vec<bool> = events
        .iter()
        .map(|e| only.may_let_through(&header(e)))
        .collect();
    assert_eq!(may, [true, false, false]);
    // A term that only the body can answer never rules out, negated or not.
    for term in [
        "text:words",
        "-text:words",
        "tool:shell",
        "-tool:shell",
        "kind:commit,tool",
    ] {
        if let Ok(filter) = Filter::parse(term, NOW) {
            assert!(filter.may_let_through(&header(&committed())), "{term}");
        }
    }
}
