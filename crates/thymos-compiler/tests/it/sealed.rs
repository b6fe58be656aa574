//! A decision under a seal of the kernel of the machine: whoever asks for a file, a socket, randomness or the
//! time dies of it, and deciding does not.
//!
//! One number is drawn for a thread before: that under which tables of the standard library hash, which the
//! validator of schemas uses. That no verdict rests on it is a test of its own.
//!
//! The seal is a filter that lets memory through and nothing else, and a processor that does not tell the time:
//! the clock is read without a call where it can be. It lies on one thread of a process made for it, which has
//! no way but to die or to end with a code that nothing else uses.

#![expect(
    clippy::disallowed_methods,
    reason = "what a pure crate may not do is tried here, in a process of its own"
)]

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{TimeStampCounterReadability, set_time_stamp_counter_readability};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};
use serde_json::json;
use thymos_compiler::{Grounds, Verdict, admit, compile};
use thymos_core::effect::EffectClass;
use thymos_core::intent::Intent;
use thymos_core::{EntryId, Timestamp};

use crate::scene::{self, Scene, approve};

/// Names what a process of this test binary is to do under the seal.
const VARIABLE: &str = "THYMOS_TEST_SEALED";

/// How a thread under the seal ends that did all it had to.
const DECIDED: i32 = 77;

/// Verdicts that one process gives under the seal.
const ROUNDS: usize = 200;

/// Memory of the process's own, and the end, before which a thread gives its second stack back. A mapping of a
/// file is not among it.
fn memory_alone() -> BpfProgram {
    let no_file = SeccompCondition::new(
        4,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(u32::MAX),
    );
    let no_file = SeccompRule::new(vec![no_file.unwrap()]).unwrap();
    let mut allowed: BTreeMap<_, _> = [
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sigaltstack,
        libc::SYS_exit_group,
    ]
    .map(|call| (call, Vec::new()))
    .into();
    allowed.insert(libc::SYS_mmap, vec![no_file]);
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let filter = SeccompFilter::new(
        allowed,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    );
    filter.unwrap().try_into().unwrap()
}

/// Ends this process with [`DECIDED`] when `work` needs nothing but memory. `drawn`: the number by which its
/// thread hashes is drawn before.
fn sealed(work: impl FnOnce() + Send, drawn: bool) {
    let filter = memory_alone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if drawn {
                std::hint::black_box(RandomState::new());
            }
            set_time_stamp_counter_readability(TimeStampCounterReadability::RaiseSIGSEGV).unwrap();
            apply_filter(&filter).unwrap();
            work();
            std::process::exit(DECIDED);
        });
    });
}

/// Does something under the seal, in a process of its own.
fn alone(what: &str) -> ExitStatus {
    let test = "sealed::a_process_under_the_seal_does_what_it_is_told";
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(VARIABLE, what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
}

type Expected = fn(&Verdict) -> bool;

/// A call, all that it is decided on, and what is to come of it.
type Case<'a> = (&'a Intent, &'a Grounds<'a>, Expected);

/// A call that is cleared, one that is held, one that is refused by each of several clauses, and one of a
/// process.
fn scenes() -> Vec<(Scene, Expected)> {
    let cleared: Expected = |verdict| matches!(verdict, Verdict::Cleared(_));
    let held: Expected = |verdict| matches!(verdict, Verdict::Held(_));
    let refused: Expected = |verdict| matches!(verdict, Verdict::Refused(_));
    let mut stranger = scene::delegated();
    stranger.holder = scene::stranger();
    let mut late = scene::delegated();
    late.facts.now = Timestamp(u64::MAX / 2);
    let mut ungranted = scene::writing();
    ungranted.root().grants.clear();
    let mut unfit = scene::writing();
    unfit.intent.args = json!({"nonsense": [1, {"two": null}]});
    let mut fearful = scene::writing();
    fearful.resolved().effect = EffectClass::Irreversible;
    vec![
        (scene::writing(), cleared),
        (scene::delegated(), cleared),
        (scene::held_writing(), held),
        (scene::running(), held),
        (stranger, refused),
        (late, refused),
        (ungranted, refused),
        (unfit, refused),
        (fearful, held),
    ]
}

/// Signs, pins and counts for every scene, as a session has done before it decides; then `f` on all of them.
fn prepared(scenes: &[(Scene, Expected)], ready: &[Case<'_>], f: &mut dyn FnMut(&[Case<'_>])) {
    let Some(((scene, expected), rest)) = scenes.split_first() else {
        return f(ready);
    };
    scene.on(|grounds, _| {
        let mut ready = ready.to_vec();
        ready.push((&scene.intent, grounds, *expected));
        prepared(rest, &ready, f);
    });
}

/// What a process of its own does under the seal, by its name in [`VARIABLE`].
#[test]
fn a_process_under_the_seal_does_what_it_is_told() {
    let Ok(what) = std::env::var(VARIABLE) else {
        return;
    };
    match what.as_str() {
        "nothing" => sealed(|| {}, true),
        "decide" => decide(),
        "open a file" => sealed(|| drop(std::fs::read("/dev/null")), true),
        "call a host" => sealed(|| drop(std::net::TcpStream::connect("127.0.0.1:1")), true),
        "read the clock" => sealed(
            || {
                std::hint::black_box(std::time::SystemTime::now());
            },
            true,
        ),
        "draw a number" => sealed(
            || {
                std::hint::black_box(RandomState::new());
            },
            false,
        ),
        other => panic!("nothing is called `{other}`"),
    }
}

fn decide() {
    let question = scene::held_writing();
    let held = question.held();
    let answers = [(EntryId::of(b"an answer"), approve(&held))];
    question.on(|asked, _| {
        prepared(&scenes(), &[], &mut |cases| {
            let rounds = || {
                for _ in 0..ROUNDS {
                    for (intent, grounds, expected) in cases {
                        assert!(expected(&compile(intent, grounds)));
                    }
                    let admitted = admit(&held, &answers, &question.roots, asked);
                    assert!(matches!(admitted, Verdict::Cleared(_)));
                }
            };
            sealed(rounds, true);
        });
    });
}

/// Whether this machine seals threads at all.
fn seals() -> bool {
    let sealed = alone("nothing").code() == Some(DECIDED);
    if !sealed {
        eprintln!("SKIPPED: no thread can be sealed here; a container may forbid it");
    }
    sealed
}

/// The words of the design: no clock, file, network or randomness in `compile`; a database is one or the other.
#[test]
fn c13_a_decision_needs_memory_and_nothing_else() {
    for (scene, expected) in scenes() {
        let verdict = scene.verdict();
        assert!(expected(&verdict), "{verdict:?}");
    }
    if !seals() {
        return;
    }
    let ended = alone("decide");
    assert_eq!(ended.code(), Some(DECIDED), "{ended:?}");
}

#[test]
fn the_seal_is_tight() {
    if !seals() {
        return;
    }
    for (test, signal) in [
        ("open a file", libc::SIGSYS),
        ("call a host", libc::SIGSYS),
        ("draw a number", libc::SIGSYS),
    ] {
        assert_eq!(alone(test).signal(), Some(signal), "{test}");
    }
    // By the processor, or where the time is asked of the kernel, by the filter.
    let clock = alone("read the clock").signal();
    assert!(
        matches!(clock, Some(libc::SIGSEGV | libc::SIGSYS)),
        "{clock:?}"
    );
}

/// Several faults in one place, met by the validator in the order of its tables.
#[test]
fn c7_the_number_that_a_thread_hashes_by_is_in_no_verdict() {
    let mut scene = scene::writing();
    scene.contract.schema = json!({
        "type": "object", "unevaluatedProperties": false, "allOf": [{"properties": {"path": {"type": "string"}}}],
        "required": ["first", "second", "third"],
    });
    let unknown = ('a'..='z').map(|name| (name.to_string(), json!(1)));
    scene.intent.args = unknown.collect();
    let told = || format!("{:?}", scene.refused());
    let here = told();
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..16).map(|_| scope.spawn(told)).collect();
        for other in others {
            assert_eq!(other.join().unwrap(), here);
        }
    });
}
