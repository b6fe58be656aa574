//! Whatever is typed and whatever happens: nothing is approved that was not out, whole, when it was asked for.

use std::time::Duration;

use thymos_core::approval::Decision;
use thymos_core::presentation::Label;

use super::approvals::present;
use super::listener::Listener;
use crate::screen::kernel::Kernel;

/// How long a card of the scripted kernel takes to arm.
const ARMING: Duration = Duration::from_millis(400);

/// A small generator, so that a failure names its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

const LINES: [&str; 16] = [
    "approve 1",
    "approve 2",
    "approve 3",
    "deny 1 because no",
    "show 1",
    "show 2",
    "y",
    "",
    "scope 1",
    "sign",
    "back",
    "approve",
    "mode auto",
    "2",
    "edit 2 {\"path\": \"b\"}",
    "3dfb",
];

#[test]
fn every_approval_is_of_what_was_printed_long_enough_before_it_was_typed() {
    let mut approvals = 0;
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut kernel = Kernel::new();
        for name in ["one", "two", "three"] {
            kernel.hold(name, "fs_patch", "fs_patch a");
        }
        let mut listener = Listener::open(kernel);
        // Of each digest that was printed: when.
        let mut out: Vec<(String, Duration)> = Vec::new();
        listener.hears();
        for step in 0..80 {
            let before = listener.answers().len();
            let mut at = listener.time();
            match dice.roll(4) {
                0 => listener.wait(dice.roll(900)),
                1 => {
                    let name = ["one", "two", "three"][usize::try_from(dice.roll(3)).unwrap()];
                    let path = format!("path {}", dice.roll(3));
                    if listener
                        .kernel
                        .holds
                        .iter()
                        .any(|row| row.card.proposal == crate::screen::kernel::proposal(name))
                    {
                        present(&mut listener.kernel, name, &[(Label::What, &[&path])]);
                    }
                    listener.kernel.running(None);
                    listener.ring();
                }
                _ if listener.plain.is_ready() => {
                    // Some of what is typed was typed a while ago.
                    at = at.saturating_sub(Duration::from_millis(dice.roll(3) * 300));
                    let line = LINES[usize::try_from(dice.roll(16)).unwrap()];
                    listener.typed_at(line, at);
                }
                _ => listener.wait(1_000),
            }
            let answers = listener.answers();
            for answer in answers
                .iter()
                .skip(before)
                .filter(|answer| answer.decision == Decision::Approve)
            {
                approvals += 1;
                let digest = answer.presented.short();
                let printed = out
                    .iter()
                    .any(|(known, since)| *known == digest && at >= *since + ARMING);
                assert!(
                    printed,
                    "seed {seed}, step {step}: {digest}\n{}",
                    listener.transcript
                );
                assert!(answer.fully_viewed, "seed {seed}");
            }
            let now = listener.time();
            for line in listener.hears().lines() {
                if let Some((_, rest)) = line.split_once(": presented ") {
                    let digest = rest.split(',').next().unwrap().to_owned();
                    // A line that was printed in this step was out when the step began, at the earliest.
                    out.push((digest, at.min(now)));
                }
            }
        }
    }
    assert!(approvals > 20, "the walk approves nothing: {approvals}");
}
