//! Bombs: processes, memory, disk, descriptors. The limits are small, so that the machine is safe.

use thymos_sandbox::{CageSpec, Exit, Rung};

use crate::support::{
    Place, check_fails, check_succeeds, finish, is_there, out, place, rungs, shell, told,
};

fn small(rung: Rung, place: &Place, script: &str) -> CageSpec {
    let mut spec = shell(rung, place, script);
    spec.limits.wall_clock_ms = 5_000;
    spec.limits.processes_max = 24;
    spec.limits.file_size_bytes_max = 1 << 20;
    spec.limits.memory_bytes_max = 64 << 20;
    spec
}

#[test]
fn a_fork_bomb_is_bounded() {
    for rung in rungs(Rung::L1) {
        let place = place();
        // Each process makes two more and stays; without a bound there would be thousands.
        let bomb = "f() { f & f & sleep 600; }; f";
        let mut spec = small(rung, &place, bomb);
        spec.limits.wall_clock_ms = 500;
        let report = finish(spec);
        let ended = matches!(
            report.exit,
            Exit::TimedOut | Exit::TooManyProcesses | Exit::Code(_)
        );
        assert!(ended, "{}", told(&report));
        assert!(report.notes.is_empty(), "{}", told(&report));
    }
}

#[test]
fn a_memory_bomb_is_bounded() {
    if !is_there("/usr/bin/tail") {
        return;
    }
    for rung in rungs(Rung::L1) {
        let place = place();
        // `tail` keeps the last line, and this one never ends.
        let report = finish(small(
            rung,
            &place,
            "head -c 1000000000 /dev/zero | tail; exit $?",
        ));
        check_fails(&report);
        assert!(!matches!(report.exit, Exit::TimedOut), "{}", told(&report));
    }
}

#[test]
fn a_file_cannot_grow_past_its_limit() {
    for rung in rungs(Rung::L1) {
        let place = place();
        check_fails(&finish(small(
            rung,
            &place,
            "head -c 9000000 /dev/zero > big",
        )));
        let size = std::fs::metadata(place.inside.join("big"))
            .expect("made")
            .len();
        assert!(size <= 1 << 20, "{size}");
    }
}

#[test]
fn descriptors_are_limited() {
    for rung in rungs(Rung::L1) {
        let place = place();
        let report = finish(shell(rung, &place, "ulimit -n; ulimit -c; ulimit -Hn"));
        check_succeeds(&report);
        assert_eq!(out(&report), "256\n0\n256\n");
    }
}
