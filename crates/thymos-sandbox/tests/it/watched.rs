//! How a child is watched: output, input, endings, and the stop that reaches everybody.

use std::fs;

use thymos_sandbox::{Cut, Exit, Rung, Stream, run};
use tokio_util::sync::CancellationToken;

use crate::support::{check_succeeds, finish, is_alive, is_there, out, place, rungs, shell, told};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn all_rungs() -> Vec<Rung> {
    [Rung::L0].into_iter().chain(rungs(Rung::L1)).collect()
}

/// At L0 the caller has to ask for it twice.
fn script(rung: Rung, place: &crate::support::Place, text: &str) -> thymos_sandbox::CageSpec {
    let mut spec = shell(rung, place, text);
    spec.rung_min = Rung::L0;
    spec
}

#[test]
fn codes_and_signals_are_told_apart() {
    for rung in all_rungs() {
        let place = place();
        assert_eq!(finish(script(rung, &place, "exit 7")).exit, Exit::Code(7));
        assert_eq!(
            finish(script(rung, &place, "kill -9 $$")).exit,
            Exit::Signal(9)
        );
        assert_eq!(
            finish(script(rung, &place, "kill -15 $$")).exit,
            Exit::Signal(15)
        );
    }
}

#[test]
fn input_arrives_and_both_streams_come_back() {
    for rung in all_rungs() {
        let place = place();
        let mut spec = script(rung, &place, "cat; echo bad >&2");
        spec.stdin = vec![b'x'; 300_000];
        spec.limits.output_bytes_max = 1 << 20;
        let report = finish(spec.clone());
        assert_eq!(report.stdout.bytes, spec.stdin);
        assert_eq!(report.stderr.bytes, b"bad\n");
    }
}

#[test]
fn input_that_nobody_reads_does_not_block() {
    for rung in all_rungs() {
        let place = place();
        let mut spec = script(rung, &place, "exit 0");
        spec.stdin = vec![b'x'; 1 << 20];
        check_succeeds(&finish(spec));
    }
}

#[test]
fn a_flood_is_drained_and_its_middle_cut() {
    const FLOOD: u64 = 100_000_000;
    for rung in all_rungs() {
        let place = place();
        let spec = script(
            rung,
            &place,
            &format!("echo first; head -c {FLOOD} /dev/zero; echo last"),
        );
        let mut heard = 0;
        let report = block_on(run(spec, CancellationToken::new(), &mut |stream, chunk| {
            assert_eq!(stream, Stream::Stdout);
            heard += chunk.len() as u64;
        }))
        .expect("ran");
        check_succeeds(&report);
        let total = FLOOD + 11;
        assert_eq!((heard, report.stdout.total_bytes), (total, total));
        assert_eq!(report.stdout.bytes.len(), 64 * 1024);
        assert_eq!(
            report.stdout.cut,
            Some(Cut {
                at: 32 * 1024,
                bytes: total - 64 * 1024
            })
        );
        assert!(report.stdout.bytes.starts_with(b"first\n"));
        assert!(report.stdout.bytes.ends_with(b"last\n"));
    }
}

/// Runs a script that prints process ids and then stays; stops it when they were printed.
fn check_all_die(spec: thymos_sandbox::CageSpec, lines: usize) -> thymos_sandbox::CageReport {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let mut seen = 0;
    let report = block_on(run(spec, cancel, &mut |_, chunk| {
        seen += chunk.iter().filter(|byte| **byte == b'\n').count();
        if seen >= lines {
            stop.cancel();
        }
    }))
    .expect("ran");
    if report.rung < Rung::L3 {
        for pid in out(&report).lines() {
            assert!(!is_alive(pid), "{pid} lives on: {}", told(&report));
        }
    }
    assert!(report.notes.is_empty(), "{}", told(&report));
    report
}

#[test]
fn x4_cancel_stops_the_whole_group() {
    for rung in all_rungs() {
        let place = place();
        let text = "sleep 600 & echo $!; sleep 600 & echo $!; echo $$; wait";
        let report = check_all_die(script(rung, &place, text), 3);
        assert_eq!(report.exit, Exit::Cancelled);
    }
}

#[test]
fn x4_cancel_stops_those_who_ignore_the_polite_signal() {
    for rung in all_rungs() {
        let place = place();
        let text = "trap '' TERM; sleep 600 & echo $!; echo $$; while :; do sleep 600; done";
        let report = check_all_die(script(rung, &place, text), 2);
        assert_eq!(report.exit, Exit::Cancelled);
    }
}

#[test]
fn x4_a_stop_lets_a_child_tidy_up() {
    for rung in all_rungs() {
        let place = place();
        let text = "trap 'echo tidy > done; exit 3' TERM; echo $$; while :; do sleep 0.01; done";
        check_all_die(script(rung, &place, text), 1);
        assert_eq!(
            fs::read_to_string(place.inside.join("done")).expect("tidied"),
            "tidy\n"
        );
    }
}

#[test]
fn a_timeout_stops_the_whole_group() {
    for rung in all_rungs() {
        let place = place();
        let mut spec = script(rung, &place, "sleep 600 & echo $!; echo $$; wait");
        spec.limits.wall_clock_ms = 100;
        let report = finish(spec);
        assert_eq!(report.exit, Exit::TimedOut);
        for pid in out(&report).lines().filter(|_| rung < Rung::L3) {
            assert!(!is_alive(pid), "{pid} lives on: {}", told(&report));
        }
    }
}

#[test]
fn a_grandchild_that_outlives_its_parent_is_killed() {
    for rung in all_rungs() {
        let place = place();
        let report = finish(script(rung, &place, "sleep 600 & echo $!"));
        check_succeeds(&report);
        assert!(
            rung >= Rung::L3 || !is_alive(&out(&report)),
            "{}",
            told(&report)
        );
    }
}

#[test]
fn a_grandchild_in_a_session_of_its_own_is_killed() {
    if !is_there("/usr/bin/setsid") {
        return;
    }
    for rung in all_rungs() {
        let place = place();
        let text = "setsid sh -c 'echo $$ > pid; exec sleep 600' & \
                    while ! test -s pid; do sleep 0.01; done; cat pid";
        let report = finish(script(rung, &place, text));
        check_succeeds(&report);
        assert!(
            rung >= Rung::L3 || !is_alive(&out(&report)),
            "{}",
            told(&report)
        );
        assert!(report.notes.is_empty(), "{}", told(&report));
    }
}

#[test]
fn dropping_the_run_kills_the_cage() {
    for rung in rungs(Rung::L1).into_iter().filter(|rung| *rung < Rung::L3) {
        let place = place();
        let (sender, receiver) = std::sync::mpsc::channel();
        let spec = script(rung, &place, "echo $$; exec sleep 600");
        let mut printed = String::new();
        block_on(async {
            let mut on_output = |_: Stream, chunk: &[u8]| {
                sender
                    .send(String::from_utf8_lossy(chunk).into_owned())
                    .expect("heard");
            };
            let running = run(spec, CancellationToken::new(), &mut on_output);
            tokio::select! {
                report = running => panic!("it ended: {report:?}"),
                pid = async {
                    loop {
                        match receiver.try_recv() {
                            Ok(pid) => break pid,
                            Err(_) => tokio::task::yield_now().await,
                        }
                    }
                } => {
                    // The loser of this race, the run, is dropped here, and the cage with it.
                    printed = pid;
                }
            }
        });
        // Nobody is left to wait for, so look until it is gone; far more looks than it takes.
        let dies = (0..1_000_000).any(|_| !is_alive(&printed));
        assert!(dies, "{printed} lives on at {rung}");
    }
}
