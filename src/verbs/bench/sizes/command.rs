//! What stands in for commands: the program's own `shell`, of which only the process is left out.
//!
//! Contract, look, gate, card and answer are the real ones. A caged process for each of them would be most of
//! the time that a million entries take; Q11 has what one costs.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use thymos_core::outcome::{BlobRef, Fault, FaultKind, Outcome};
use thymos_core::proposal::Proposal;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Keep, Look, Order, Probed, ToolFault, ToolIo, Unmet, Unresolvable};
use thymos_ports::{Begun, Tool};

/// What a command's text holds that fails and prints little, that fails and prints much, and that is stopped.
const FAILS: &str = "cargo test --no-fail-fast";
const PRINTS_LONG: &str = "cargo test --no-fail-fast --verbose";
const TAKES_LONG: &str = "cargo bench";

/// Lines that a command prints, and one that prints much: more than the program hands to a model.
const LINES: u64 = 40;
const LINES_LONG: u64 = 1_800;

/// What the model reads of the beginning of that, and of its end.
const SHOWN_BYTES: usize = 24 * 1024;

/// A first test.
pub(super) fn tests(run: u64, prints_long: bool) -> Value {
    let tests = if prints_long { PRINTS_LONG } else { FAILS };
    json!({"command": format!("{tests} -- run_{run} 2>&1 | cat")})
}

/// A second one, which passes.
pub(super) fn tests_again(run: u64) -> Value {
    json!({"command": format!("cargo test -- run_{run} 2>&1 | cat")})
}

/// What takes too long.
pub(super) fn measurements(run: u64) -> Value {
    json!({"command": format!("{TAKES_LONG} -- run_{run} 2>&1 | cat")})
}

/// The tool without its processes.
pub(super) struct StandIn {
    shell: Arc<dyn Tool>,
}

impl StandIn {
    /// In the place of this one.
    pub(super) fn of(shell: Arc<dyn Tool>) -> Arc<dyn Tool> {
        Arc::new(Self { shell })
    }
}

#[async_trait]
impl Tool for StandIn {
    fn contract(&self) -> &ToolContract {
        self.shell.contract()
    }

    async fn resolve(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        self.shell.resolve(args, look).await
    }

    fn order(&self, args: &Value) -> Option<Order> {
        self.shell.order(args)
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        self.shell.overwrites(resolved, keep);
    }

    fn is_brief(&self) -> bool {
        self.shell.is_brief()
    }

    async fn probe(&self, proposal: &Proposal, look: &Look<'_>) -> Probed {
        self.shell.probe(proposal, look).await
    }

    async fn run(&self, begun: &Begun, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let line = begun.args().get("command").and_then(Value::as_str);
        ran(line.unwrap_or_default(), io)
    }

    async fn verify(
        &self,
        begun: &Begun,
        outcome: &Outcome,
        io: &mut ToolIo<'_>,
    ) -> Result<(), Unmet> {
        self.shell.verify(begun, outcome, io).await
    }
}

/// What the real one would tell of such a command. No rung held it, and none is told.
fn ran(line: &str, io: &ToolIo<'_>) -> Result<Outcome, ToolFault> {
    let lines = if line.starts_with(PRINTS_LONG) {
        LINES_LONG
    } else {
        LINES
    };
    let mut text = printed(line, lines);
    if line.starts_with(TAKES_LONG) {
        return Err(ToolFault(Fault {
            kind: FaultKind::TimedOut,
            message: "it was stopped after 120000 ms".to_owned(),
            deltas: Vec::new(),
            observation: text,
        }));
    }
    let mut output = None;
    if text.len() > 2 * SHOWN_BYTES {
        let digest = io.blobs.keep(text.as_bytes());
        let failed = |why| ToolFault::new(FaultKind::Failed, why);
        output = Some(BlobRef {
            digest: digest.map_err(failed)?,
            size: text.len() as u64,
        });
        text = middle_left_out(&text);
    }
    let code = i32::from(line.starts_with(FAILS));
    let ending = format!("exit code {code}");
    text.push_str(&format!("[{ending}]\n"));
    Ok(Outcome {
        ok: code == 0,
        exit_code: Some(code),
        truncated: output.is_some(),
        output,
        data: Some(
            json!({"argv": ["/bin/sh", "-c", line], "cwd": ".", "duration_ms": 840, "ending": ending}),
        ),
        ..Outcome::said(format!("`{line}`: {ending}"), text)
    })
}

fn printed(line: &str, lines: u64) -> String {
    let tests = (0..lines).map(|at| format!("test part_{:02}::step_{at} ... ok\n", at % 24));
    format!(
        "running {lines} tests: {line}\n{}",
        tests.collect::<String>()
    )
}

/// Its beginning and its end. All of it is one byte a character.
fn middle_left_out(text: &str) -> String {
    let front = text.get(..SHOWN_BYTES).unwrap_or_default();
    let back = text.get(text.len() - SHOWN_BYTES..).unwrap_or_default();
    let cut = text.len() - 2 * SHOWN_BYTES;
    format!("{front}\n[{cut} bytes cut here; the whole output is in the record]\n{back}")
}
