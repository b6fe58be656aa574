//! Reads a test runner's own words into counts. Where it finds none it says so and guesses nothing.

use serde_json::{Value, json};

use super::Kit;
use crate::text::counted;

/// What a test run's output says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// None when the output has no line that says.
    counts: Option<Counts>,
    failures: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Names of failed tests that are told. More are counted only.
const FAILURES_MAX: usize = 50;

/// Reads one runner's output.
pub(super) fn read(kit: Kit, text: &str) -> Summary {
    let mut summary = Summary::default();
    for line in text.lines().map(str::trim) {
        match kit {
            Kit::Cargo => summary.cargo(line),
            Kit::Go => summary.go(line),
            Kit::Pytest => summary.pytest(line),
            Kit::Npm => summary.npm(line),
        }
    }
    summary.failures.truncate(FAILURES_MAX);
    summary
}

impl Summary {
    pub(super) fn words(&self) -> String {
        let Some(counts) = self.counts else {
            return "no test counts in the output".to_owned();
        };
        let skipped = match counts.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        let mut words = format!(
            "{} passed, {} failed{skipped}",
            counts.passed, counts.failed
        );
        if !self.failures.is_empty() {
            let names = counted(self.failures.len(), "name");
            words.push_str(&format!(" ({names}: {})", self.failures.join(", ")));
        }
        words
    }

    pub(super) fn data(&self, kit: Kit) -> Value {
        json!({
            "runner": kit.name(),
            "passed": self.counts.map(|counts| counts.passed),
            "failed": self.counts.map(|counts| counts.failed),
            "skipped": self.counts.map(|counts| counts.skipped),
            "failures": self.failures,
        })
    }

    fn add(&mut self, add: impl FnOnce(&mut Counts)) {
        add(self.counts.get_or_insert_default());
    }

    /// `test a::b ... FAILED`; `test result: ok. 3 passed; 1 failed; 0 ignored; ...`, one a target.
    fn cargo(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let (passed, failed) = (before(rest, "passed"), before(rest, "failed"));
            let skipped = before(rest, "ignored");
            self.add(|counts| {
                counts.passed += passed.unwrap_or(0);
                counts.failed += failed.unwrap_or(0);
                counts.skipped += skipped.unwrap_or(0);
            });
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        }
    }

    /// `--- PASS: TestA (0.00s)`, `--- FAIL: TestB`, `--- SKIP: TestC`.
    fn go(&mut self, line: &str) {
        let name = |rest: &str| rest.split(' ').next().unwrap_or(rest).to_owned();
        if line.starts_with("--- PASS: ") {
            self.add(|counts| counts.passed += 1);
        } else if let Some(rest) = line.strip_prefix("--- FAIL: ") {
            self.add(|counts| counts.failed += 1);
            self.failures.push(name(rest));
        } else if line.starts_with("--- SKIP: ") {
            self.add(|counts| counts.skipped += 1);
        }
    }

    /// `FAILED tests/a.py::test_b - ...`; last line `1 failed, 3 passed, 1 skipped in 0.12s`.
    fn pytest(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("FAILED ") {
            self.failures
                .push(rest.split(" - ").next().unwrap_or(rest).to_owned());
        } else if line.contains(" in ") && (line.contains(" passed") || line.contains(" failed")) {
            let errors = before(line, "error")
                .or_else(|| before(line, "errors"))
                .unwrap_or(0);
            self.counts = Some(Counts {
                passed: before(line, "passed").unwrap_or(0),
                failed: before(line, "failed").unwrap_or(0) + errors,
                skipped: before(line, "skipped").unwrap_or(0),
            });
        }
    }

    /// Jest and vitest `Tests: 1 failed, 3 passed, 4 total`; mocha `3 passing`; node `# pass 3`.
    fn npm(&mut self, line: &str) {
        let plain = line.trim_start_matches(['#', 'ℹ', ' ']);
        if line.starts_with("Tests:") || line.starts_with("Tests ") {
            self.counts = Some(Counts {
                passed: before(line, "passed").unwrap_or(0),
                failed: before(line, "failed").unwrap_or(0),
                skipped: before(line, "skipped").unwrap_or(0),
            });
        } else if let Some(passing) = before(line, "passing") {
            self.add(|counts| counts.passed = passing);
        } else if let Some(failing) = before(line, "failing") {
            self.add(|counts| counts.failed = failing);
        } else if let Some(Ok(count)) = plain.strip_prefix("pass ").map(str::parse) {
            self.add(|counts| counts.passed = count);
        } else if let Some(Ok(count)) = plain.strip_prefix("fail ").map(str::parse) {
            self.add(|counts| counts.failed = count);
        } else if let Some(rest) = line
            .strip_prefix("● ")
            .or_else(|| line.strip_prefix("not ok "))
        {
            self.failures.push(rest.to_owned());
        }
    }
}

/// The number right before a word.
fn before(line: &str, word: &str) -> Option<u64> {
    let mut last = None;
    for token in line
        .split([' ', ',', ';', '|', '(', ')'])
        .filter(|token| !token.is_empty())
    {
        if token == word {
            return last;
        }
        last = token.trim_start_matches('=').parse().ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_targets_add_up() {
        let text = "test a::b ... ok\ntest a::c ... FAILED\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\n\
            test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured\n";
        let read = read(Kit::Cargo, text);
        assert_eq!(read.words(), "4 passed, 1 failed, 2 skipped (1 name: a::c)");
    }

    #[test]
    fn pytest_go_jest_and_node_are_read() {
        let pytest = "FAILED t.py::test_a - assert\n1 failed, 2 passed, 1 skipped in 0.1s\n";
        assert_eq!(
            read(Kit::Pytest, pytest).words(),
            "2 passed, 1 failed, 1 skipped (1 name: t.py::test_a)"
        );
        let go = "--- PASS: TestA (0.0s)\n--- FAIL: TestB (0.0s)\nFAIL\n";
        assert_eq!(
            read(Kit::Go, go).words(),
            "1 passed, 1 failed (1 name: TestB)"
        );
        assert_eq!(
            read(Kit::Npm, "Tests: 1 failed, 3 passed, 4 total").words(),
            "3 passed, 1 failed"
        );
        assert_eq!(
            read(Kit::Npm, "# pass 3\n# fail 0\n").words(),
            "3 passed, 0 failed"
        );
    }

    #[test]
    fn output_without_counts_is_said_to_have_none() {
        assert_eq!(
            read(Kit::Cargo, "error: could not compile").words(),
            "no test counts in the output"
        );
    }
}
