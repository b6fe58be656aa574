//! The ledger: entries by the page, filter, search, verification, the world as it was.

use thymos::app::{Effect, Event, Pane, Session};
use thymos_core::TrajectoryId;
use thymos_core::body::Role;
use thymos_protocol::{
    Among, Command, Found, FoundEnd, ProvenanceOf, ReplayReport, ReplayVerdict, ReplayedRun,
    Replied, Reply, Ticket, VerifyFinding, VerifyProgress, VerifyReport,
};

use super::desk::Desk;
use super::kernel::{Kernel, committed, intended, rejected, said, started, trajectory};
use super::record::elsewhere;

fn story() -> Kernel {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "add retry"));
    kernel.append(intended("one", "fs_read", "fs_read src/client.rs"));
    kernel.append(started("one", "fs_read", "fs_read src/client.rs"));
    kernel.append(committed("one", "fs_read", "fs_read src/client.rs", "text"));
    kernel.append(intended("two", "net_get", "net_get http://10.0.0.8"));
    kernel.append(rejected("two", "net_get", "net_get http://10.0.0.8"));
    kernel
}

fn at_ledger(width: u16, height: u16, kernel: Kernel) -> Desk {
    let mut desk = Desk::open(width, height, kernel);
    desk.keys("<C-x> l");
    load(&mut desk);
    desk
}

/// Draws until every page in view has come.
fn load(desk: &mut Desk) {
    for _ in 0..4 {
        desk.frame();
        desk.wait(1);
    }
}

fn pages(desk: &Desk) -> usize {
    desk.kernel
        .asked
        .iter()
        .filter(|asked| matches!(asked, Command::Page { .. }))
        .count()
}

#[test]
fn entries_are_rows_with_what_they_did() {
    let mut desk = at_ledger(80, 24, story());
    let frame = desk.frame();
    assert!(frame.contains("ledger - 8 entries"), "{frame}");
    assert!(frame.contains("net_get http://10.0.0.8"), "{frame}");
    assert!(frame.contains("REJECTED"), "{frame}");
    assert!(!frame.contains(" by "), "{frame}");
    let mut desk = at_ledger(320, 60, story());
    let frame = desk.frame();
    for head in [
        "seq", "kind", "what", "effect", "verdict", "by", "cost", "time",
    ] {
        assert!(frame.contains(head), "{head}\n{frame}");
    }
    assert!(frame.contains("rule builtin/r.."), "{frame}");
}

#[test]
fn pages_are_pulled_as_they_come_into_view() {
    let mut kernel = Kernel::new();
    for at in 0..2_000 {
        kernel.append(said(Role::Operator, &format!("message {at}")));
    }
    let mut desk = Desk::open(80, 24, kernel);
    let before = pages(&desk);
    desk.keys("<C-x> l");
    load(&mut desk);
    let frame = desk.frame();
    assert!(frame.contains("message 1999"), "{frame}");
    assert!(pages(&desk) - before <= 2);
    desk.keys("g g");
    load(&mut desk);
    let frame = desk.frame();
    assert!(frame.contains("opened in /srv/acme/api"), "{frame}");
    assert!(pages(&desk) - before <= 3);
    let quiet = pages(&desk);
    load(&mut desk);
    assert_eq!(pages(&desk), quiet);
}

#[test]
fn the_tail_is_followed_until_a_row_is_chosen() {
    let mut desk = at_ledger(80, 24, story());
    desk.kernel.append(said(Role::Operator, "newest"));
    desk.ring();
    load(&mut desk);
    assert!(desk.frame().contains("newest"));
    assert!(desk.app.ledger.is_following());
    desk.keys("k");
    assert!(!desk.app.ledger.is_following());
    let chosen = desk.app.ledger.chosen();
    desk.kernel.append(said(Role::Operator, "newer still"));
    desk.ring();
    load(&mut desk);
    assert_eq!(desk.app.ledger.chosen(), chosen);
    desk.keys(".");
    load(&mut desk);
    assert!(desk.app.ledger.is_following());
}

#[test]
fn the_inspector_shows_every_side_of_an_entry() {
    let mut desk = at_ledger(120, 40, story());
    desk.keys("k <Enter>");
    assert_eq!(desk.app.focus.pane(), Pane::Inspector);
    let frame = desk.frame();
    assert!(frame.contains("[body]"), "{frame}");
    assert!(frame.contains("\"path\": \"src/client.rs\""), "{frame}");
    desk.keys("]");
    assert!(desk.frame().contains("builtin/write-review"));
    desk.keys("]");
    assert!(desk.frame().contains("`edit` by ada (signed)"));
    desk.keys("]");
    let frame = desk.frame();
    for fact in [
        "commitment",
        "c0ffee",
        "prev",
        "header bytes",
        "\"mode\":\"edit\"",
    ] {
        assert!(frame.contains(fact), "{fact}\n{frame}");
    }
    desk.keys("<Esc>");
    assert_eq!(desk.app.focus.pane(), Pane::Ledger);
}

#[test]
fn a_filter_narrows_and_esc_widens_again() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("f");
    desk.types("net_get");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(desk.app.overlays.is_empty());
    assert!(frame.contains("filter net_get - 2"), "{frame}");
    assert!(!frame.contains("fs_read"), "{frame}");
    desk.keys("<Esc>");
    load(&mut desk);
    assert!(desk.frame().contains("fs_read"));
    assert_eq!(desk.app.focus.pane(), Pane::Ledger);
}

#[test]
fn a_filter_that_is_not_understood_is_pointed_at() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("f");
    desk.types("a oops:b");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("unknown field `oops`"), "{frame}");
    let rows: Vec<&str> = frame.lines().collect();
    let at = rows
        .iter()
        .position(|row| row.contains("a oops:b"))
        .unwrap();
    let column = rows[at].chars().position(|ch| ch == 'a').unwrap();
    let mark = rows[at + 1].chars().position(|ch| ch == '^').unwrap();
    assert_eq!(mark, column + 2, "{frame}");
}

/// A filter that says of which runs looks at every run; what is about one run takes the open one alone.
#[test]
fn a_filter_that_names_runs_shows_the_whole_log() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("f");
    desk.types("run:*");
    desk.keys("<Enter>");
    load(&mut desk);
    let frame = desk.frame();
    let run = elsewhere().short();
    assert!(
        frame.contains("filter run:* - 9 in all 9 of the log"),
        "{frame}"
    );
    assert!(frame.contains("index run"), "{frame}");
    assert!(frame.contains(&run), "{frame}");
    assert!(frame.contains(&trajectory().short()), "{frame}");
    // The last one is of the other run.
    for key in ["m", "r", "P", "x", "B", "u"] {
        desk.keys(key);
        let frame = desk.frame();
        if key != "x" {
            assert!(
                frame.contains(&format!("one of run {run}; o goes there")),
                "{key}\n{frame}"
            );
        }
        assert!(desk.app.ledger.marked.is_none());
    }
    desk.keys("#");
    desk.types("99");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(frame.contains("there is no such entry yet"), "{frame}");
    desk.keys("<Esc> o");
    let opened =
        desk.kernel.asked.iter().any(
            |asked| matches!(asked, Command::Open { trajectory } if *trajectory == elsewhere()),
        );
    assert!(opened, "{:?}", desk.kernel.asked.last());
}

#[test]
fn a_row_of_the_whole_log_is_shown_in_its_run() {
    let mut desk = at_ledger(120, 40, story());
    desk.keys("f");
    desk.types("run:*");
    desk.keys("<Enter>");
    load(&mut desk);
    desk.keys("k k k o");
    load(&mut desk);
    assert!(desk.app.ledger.filtered.is_none());
    assert_eq!(desk.app.ledger.chosen(), 5);
}

#[test]
fn decisions_are_one_key() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("D");
    let asked = desk.kernel.asked.iter().any(|asked| {
        matches!(asked, Command::Find { filter, among: Among::RunOrNamed(_) }
            if filter == "verdict:approved,denied by:human")
    });
    assert!(asked);
    desk.keys("D");
    assert!(desk.app.ledger.filtered.is_none());
}

#[test]
fn a_search_reaches_what_is_not_loaded() {
    let mut kernel = Kernel::new();
    kernel.append(said(Role::Operator, "needle one"));
    for at in 0..1_000 {
        kernel.append(said(Role::Operator, &format!("message {at}")));
    }
    kernel.append(said(Role::Operator, "needle two"));
    let mut desk = at_ledger(80, 24, kernel);
    desk.keys("/");
    desk.types("needle");
    desk.keys("<Enter>");
    load(&mut desk);
    assert_eq!(desk.app.ledger.chosen(), 2);
    assert!(desk.frame().contains("needle one"));
    desk.keys("n");
    load(&mut desk);
    assert!(desk.frame().contains("needle two"));
    desk.keys("N");
    assert_eq!(desk.app.ledger.chosen(), 2);
}

#[test]
fn verification_is_told_with_its_caveat() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("V");
    let frame = desk.frame();
    assert!(frame.contains("verified: 8 entries"), "{frame}");
    assert!(frame.contains("cannot prove"), "{frame}");
}

#[test]
fn y3_verification_says_of_each_run_of_the_tree_what_came_of_it() {
    let mut desk = at_ledger(110, 30, story());
    let itself = super::record::replayed(&desk.kernel, trajectory());
    let child = ReplayedRun {
        trajectory: TrajectoryId::of(b"a child"),
        kinship: "delegated".into(),
        depth: 1,
        at_seq: Some(4),
        verdict: ReplayVerdict::Diverged,
        findings_total: 1,
        ..itself.clone()
    };
    let finding = VerifyFinding {
        index: 12,
        trajectory: Some(child.trajectory),
        seq: Some(2),
        check: "decisions verdict".into(),
        expected: "refused".into(),
        found: "cleared".into(),
    };
    let report = ReplayReport {
        runs: vec![itself, child],
        elsewhere: 0,
        unplaced: 0,
        ledger: VerifyReport {
            before: None,
            entries: 20,
            trajectories: 2,
            levels: vec!["V3".into()],
            findings: vec![finding],
            caveat: "a lone ledger cannot prove its end".into(),
        },
    };
    desk.kernel
        .instead
        .push(Replied::Replayed(Box::new(report)));
    desk.keys("V");
    let frame = desk.frame();
    for text in [
        "BROKEN: 1 finding in 20 entries of 2 trajectories",
        "each by itself",
        "  verified  8 entries",
        "delegated at 4",
        "DIVERGED",
    ] {
        assert!(frame.contains(text), "{text}\n{frame}");
    }
}

#[test]
fn progress_is_shown_while_it_lasts() {
    let mut desk = at_ledger(80, 24, story());
    desk.kernel.instead.push(Replied::Verifying(VerifyProgress {
        done: 5_000,
        total: 20_000,
    }));
    desk.keys("V");
    let frame = desk.frame();
    assert!(frame.contains("5000 of 20000 entries, 25 %"), "{frame}");
    assert!(!frame.contains("verified:"), "{frame}");
}

#[test]
fn y3_a_chain_with_findings_is_never_called_verified() {
    let mut desk = at_ledger(100, 30, story());
    desk.kernel.instead.push(Replied::Verified(VerifyReport {
        before: None,
        entries: 8,
        trajectories: 1,
        levels: vec!["V1".into()],
        findings: vec![VerifyFinding {
            index: 5,
            trajectory: Some(trajectory()),
            seq: Some(5),
            check: "body commitment".into(),
            expected: "aa11".into(),
            found: "bb22".into(),
        }],
        caveat: "a lone ledger cannot prove its end".into(),
    }));
    desk.keys("V");
    let frame = desk.frame();
    for text in [
        "BROKEN: 1 finding",
        "log index 5",
        "seq 5",
        "body commitment",
        "aa11",
        "bb22",
    ] {
        assert!(frame.contains(text), "{text}\n{frame}");
    }
    assert!(frame.contains("cannot prove its end"), "{frame}");
    assert!(!frame.contains("verified:"), "{frame}");
}

#[test]
fn the_world_is_shown_as_it_was_and_left_again() {
    for leave in ["<Esc>", "."] {
        let mut desk = at_ledger(100, 30, story());
        desk.keys("k k r");
        let frame = desk.frame();
        assert!(frame.contains("AT SEQ 5"), "{frame}");
        assert!(frame.contains("file:src/client.rs"), "{frame}");
        desk.keys("<Enter>");
        let frame = desk.frame();
        assert!(frame.contains("// as of 5"), "{frame}");
        desk.keys("<Esc>");
        assert!(desk.frame().contains("AT SEQ 5"));
        desk.keys(leave);
        let frame = desk.frame();
        assert!(!frame.contains("AT SEQ"), "{frame}");
        assert_eq!(desk.app.focus.pane(), Pane::Ledger);
    }
}

#[test]
fn two_worlds_are_compared() {
    let mut desk = at_ledger(100, 30, story());
    desk.keys("x");
    assert!(desk.frame().contains("mark an entry with m first"));
    desk.keys("m k k x");
    let frame = desk.frame();
    assert!(frame.contains("the world from seq 5 to seq 7"), "{frame}");
    assert!(frame.contains("~ file:src/client.rs"), "{frame}");
    assert!(frame.contains("spent  0 -> 2 tool calls (+2)"), "{frame}");
    // The list begins at what leads somewhere, and a file leads to how it differs.
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("src/client.rs from seq 5 to seq 7"),
        "{frame}"
    );
    assert!(frame.contains("- // as of 5"), "{frame}");
    assert!(frame.contains("+ // as of 7"), "{frame}");
    desk.keys("<Esc> <Esc>");
    assert!(desk.frame().contains("ledger - 8 entries"));
}

/// What the kernel tells of a search on its way.
fn found(desk: &Desk, seqs: std::ops::Range<u64>, of: u64, end: Option<FoundEnd>) -> Replied {
    let events = desk.kernel.events.iter();
    let inside = events.filter(|event| seqs.contains(&event.seq));
    Replied::Found(Found {
        events: inside.cloned().collect(),
        looked_at: seqs.end,
        of,
        log: false,
        end,
    })
}

/// The newest search that the screen asked for.
fn search_ticket(desk: &Desk) -> Ticket {
    let finding = desk.app.ledger.finding.or(desk.app.ledger.searching);
    finding.expect("something is looked for").ticket
}

fn cancelled(desk: &Desk) -> Vec<Ticket> {
    let asked = desk.kernel.asked.iter();
    asked
        .filter_map(|command| match command {
            Command::Cancel { ticket } => Some(*ticket),
            _ => None,
        })
        .collect()
}

#[test]
fn a_filter_shows_what_it_finds_while_it_looks_and_ends_on_esc() {
    let mut desk = at_ledger(80, 24, story());
    let first = found(&desk, 0..3, 900_000, None);
    desk.kernel.instead.push(first);
    desk.keys("f");
    desk.types("x");
    desk.keys("<Enter>");
    let frame = desk.frame();
    assert!(
        frame.contains("filter x - 3 in 3 of 900000, Esc stops"),
        "{frame}"
    );
    assert!(frame.contains("add retry"), "{frame}");
    let ticket = search_ticket(&desk);
    // Keys are heard meanwhile, and what is found later is added.
    desk.keys("g g");
    assert_eq!(desk.app.ledger.chosen(), 0);
    let replied = found(&desk, 3..6, 900_000, None);
    desk.event(Event::Reply(Reply { ticket, replied }));
    assert_eq!((desk.app.ledger.rows(), desk.app.ledger.chosen()), (6, 0));
    desk.keys("<Esc>");
    assert_eq!(cancelled(&desk), [ticket]);
    assert!(desk.app.ledger.filtered.is_some());
    let replied = found(&desk, 6..6, 900_000, Some(FoundEnd::Cancelled));
    desk.event(Event::Reply(Reply { ticket, replied }));
    let frame = desk.frame();
    assert!(
        frame.contains("filter x - 6 in the first 6, stopped"),
        "{frame}"
    );
    assert!(!frame.contains("up to seq"), "{frame}");
    desk.keys("<Esc>");
    assert!(desk.app.ledger.filtered.is_none());
}

#[test]
fn another_filter_ends_the_one_before_and_hears_nothing_of_it() {
    let mut desk = at_ledger(80, 24, story());
    let first = found(&desk, 0..3, 900_000, None);
    desk.kernel.instead.push(first);
    desk.keys("f");
    desk.types("x");
    desk.keys("<Enter>");
    let ticket = search_ticket(&desk);
    desk.keys("f <C-u>");
    desk.types("net_get");
    desk.keys("<Enter>");
    assert_eq!(cancelled(&desk), [ticket]);
    assert!(desk.frame().contains("filter net_get - 2"));
    let replied = found(&desk, 3..6, 900_000, Some(FoundEnd::Cancelled));
    desk.event(Event::Reply(Reply { ticket, replied }));
    assert!(desk.frame().contains("filter net_get - 2"));
    assert_eq!(desk.app.ledger.rows(), 2);
}

#[test]
fn a_search_goes_to_the_next_hit_before_it_has_looked_at_everything() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("g g");
    let first = found(&desk, 4..5, 900_000, None);
    desk.kernel.instead.push(first);
    desk.keys("/");
    desk.types("retry");
    desk.keys("<Enter>");
    assert_eq!(desk.app.ledger.chosen(), 4);
    let frame = desk.frame();
    assert!(
        frame.contains("/ retry 1 hits at 0 %, Esc stops"),
        "{frame}"
    );
    let ticket = search_ticket(&desk);
    desk.keys("<Esc>");
    assert_eq!(cancelled(&desk), [ticket]);
    assert!(!desk.frame().contains("Esc stops"));
}

#[test]
fn a_provenance_is_a_list_that_leads_to_its_entries() {
    let mut desk = at_ledger(98, 40, story());
    desk.keys("k k k k P");
    let frame = desk.frame();
    assert!(frame.contains("PROVENANCE of seq 3"), "{frame}");
    assert!(frame.contains("what came of it:"), "{frame}");
    assert!(frame.contains("and 3 more entries"), "{frame}");
    assert!(frame.contains("entries on the way were erased"), "{frame}");
    // The chosen step is inspected beside the list; Enter goes there.
    assert_eq!(
        desk.app.inspector.detail().map(|shown| shown.event.seq),
        Some(3)
    );
    desk.keys("j <Enter>");
    assert!(desk.app.ledger.sheet.is_none());
    load(&mut desk);
    assert_eq!(
        desk.app.ledger.chosen_event().map(|event| event.seq),
        Some(2)
    );
}

#[test]
fn a_file_of_the_world_leads_to_its_provenance_and_back() {
    let mut desk = at_ledger(110, 30, story());
    desk.keys("k k r P");
    let asked = desk.kernel.asked.iter().any(|asked| {
        matches!(asked, Command::Provenance { of: ProvenanceOf::Resource { resource, seq: 5 }, .. }
            if resource == "file:src/client.rs")
    });
    assert!(asked);
    let frame = desk.frame();
    assert!(
        frame.contains("PROVENANCE of file:src/client.rs"),
        "{frame}"
    );
    desk.keys("<Esc>");
    assert!(desk.frame().contains("AT SEQ 5"));
}

#[test]
fn looking_for_a_provenance_tells_how_far_it_is_and_ends_on_esc() {
    let mut desk = at_ledger(80, 24, story());
    let looking = Replied::Looking {
        done: 250_000,
        of: 1_000_000,
    };
    desk.kernel.instead.push(looking);
    desk.keys("P");
    let frame = desk.frame();
    assert!(frame.contains("looking back 25 %, Esc stops"), "{frame}");
    let ticket = desk.app.ledger.seeking.unwrap().ticket;
    desk.keys("k <Esc>");
    assert_eq!(cancelled(&desk), [ticket]);
    let replied = Replied::Provenance(None);
    desk.event(Event::Reply(Reply { ticket, replied }));
    assert!(desk.app.ledger.sheet.is_none());
    assert!(desk.frame().contains("ledger - 8 entries"));
}

#[test]
fn another_provenance_ends_the_one_before_and_hears_nothing_of_it() {
    let mut desk = at_ledger(98, 40, story());
    let looking = Replied::Looking { done: 1, of: 9 };
    desk.keys("k");
    desk.kernel.instead.push(looking.clone());
    desk.keys("P");
    let first = desk.app.ledger.seeking.unwrap().ticket;
    desk.kernel.instead.push(looking);
    desk.keys("P");
    let second = desk.app.ledger.seeking.unwrap().ticket;
    assert_eq!(cancelled(&desk), [first]);
    let replied = Replied::Provenance(None);
    desk.event(Event::Reply(Reply {
        ticket: first,
        replied,
    }));
    assert_eq!(desk.app.ledger.seeking.map(|one| one.ticket), Some(second));
}

#[test]
fn leaving_a_run_ends_what_was_looked_for_in_it() {
    let mut desk = at_ledger(80, 24, story());
    let first = found(&desk, 0..3, 900_000, None);
    desk.kernel.instead.push(first);
    desk.keys("f");
    desk.types("x");
    desk.keys("<Enter>");
    let ticket = search_ticket(&desk);
    desk.app.session = Session::default();
    desk.ring();
    assert_eq!(cancelled(&desk), [ticket]);
}

#[test]
fn an_entry_is_gone_to_by_its_number_or_its_mark() {
    let mut kernel = Kernel::new();
    for at in 0..2_000 {
        kernel.append(said(Role::Operator, &format!("message {at}")));
    }
    let mut desk = at_ledger(80, 24, kernel);
    let before = pages(&desk);
    desk.keys("m #");
    desk.types("1001");
    desk.keys("<Enter>");
    load(&mut desk);
    assert!(desk.frame().contains("message 999"));
    assert_eq!(desk.app.ledger.chosen(), 1_001);
    // A page or two that is in view, and nothing in between.
    assert!(pages(&desk) - before <= 2);
    desk.keys("# m <Enter>");
    load(&mut desk);
    assert_eq!(desk.app.ledger.chosen(), 2_001);
    for (typed, told) in [
        ("9999", "no such entry yet"),
        ("soon", "type the number of an entry"),
        ("-1", "type the number of an entry"),
    ] {
        desk.keys("#");
        desk.types(typed);
        desk.keys("<Enter>");
        assert!(desk.frame().contains(told), "{told}");
        desk.keys("<Esc>");
    }
    assert_eq!(desk.app.ledger.chosen(), 2_001);
}

#[test]
fn a_row_is_copied_as_text_and_as_json() {
    let mut desk = at_ledger(80, 24, story());
    desk.keys("k y Y");
    let copied: Vec<&String> = desk
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Copy(text) => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(copied[0], "6 note net_get http://10.0.0.8");
    assert!(copied[1].starts_with('{'), "{}", copied[1]);
}
