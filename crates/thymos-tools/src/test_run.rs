//! `test_run`: runs the project's own tests in the cage and counts what passed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::{Recovery, ToolContract};
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{here, parse, reparse};
use crate::body::{Body, Call, failed};
use crate::contract::{object, reading};
use crate::limits::TIMEOUT_MS_MAX;
use crate::process::{Job, Runner, Writes};
use crate::shell::{Asked, facts, resolve_exec};
use crate::workspace::{Kind, Workspace};

mod summary;

pub(crate) struct TestRun {
    runner: Arc<Runner>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    #[serde(default = "here")]
    path: String,
    runner: Option<Kit>,
    filter: Option<String>,
    timeout_ms: Option<u64>,
}

/// A test runner, known by the file that marks a project of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kit {
    Cargo,
    Npm,
    Pytest,
    Go,
}

/// Which file means which runner, first come first.
const MARKERS: [(&str, Kit); 7] = [
    ("Cargo.toml", Kit::Cargo),
    ("go.mod", Kit::Go),
    ("pytest.ini", Kit::Pytest),
    ("pyproject.toml", Kit::Pytest),
    ("setup.cfg", Kit::Pytest),
    ("setup.py", Kit::Pytest),
    ("package.json", Kit::Npm),
];

/// Builds take longer than most commands.
const TEST_TIMEOUT_MS: u64 = 300_000;

impl Kit {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::Pytest => "pytest",
            Self::Go => "go",
        }
    }

    fn argv(self, filter: Option<&str>) -> Vec<String> {
        let words: Vec<&str> = match (self, filter) {
            (Self::Cargo, None) => vec!["cargo", "test"],
            (Self::Cargo, Some(filter)) => vec!["cargo", "test", filter],
            (Self::Npm, None) => vec!["npm", "test"],
            (Self::Npm, Some(filter)) => vec!["npm", "test", "--", filter],
            (Self::Pytest, None) => vec!["pytest", "-q"],
            (Self::Pytest, Some(filter)) => vec!["pytest", "-q", "-k", filter],
            (Self::Go, None) => vec!["go", "test", "-v", "./..."],
            (Self::Go, Some(filter)) => vec!["go", "test", "-v", "-run", filter, "./..."],
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

impl TestRun {
    pub(crate) fn new(runner: Arc<Runner>) -> Self {
        let schema = object(
            json!({
                "path": {"type": "string", "minLength": 1, "description": "Folder of the project, relative to the workspace. Default: the workspace."},
                "runner": {"enum": ["cargo", "npm", "pytest", "go"], "description": "Which runner. Default: by `Cargo.toml`, `go.mod`, `pyproject.toml` or `package.json`."},
                "filter": {"type": "string", "minLength": 1, "maxLength": 500, "pattern": "^[^-]", "description": "Only tests whose name matches."},
                "timeout_ms": {"type": "integer", "minimum": 100, "maximum": TIMEOUT_MS_MAX, "description": "Time after which it is stopped. Default 300000."},
            }),
            &[],
        );
        let description = "Runs the tests of the project in a cage without network and tells how many passed \
            and failed, with the names of those that failed.";
        let contract = ToolContract {
            effect_floor: EffectClass::External,
            risk_floor: Risk::Medium,
            // Running tests again does no more than running them once.
            recovery: Recovery::Idempotent,
            ..reading("test_run", description, schema)
        };
        Self { runner, contract }
    }
}

#[async_trait]
impl Body for TestRun {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let kit = kit(&self.runner.workspace, &args)?;
        let asked = Asked {
            arg: "path",
            argv: kit.argv(args.filter.as_deref()),
            shape: "1 command: no shell, no pipe, no redirect, no substitution".to_owned(),
            cwd: &args.path,
            env: BTreeMap::new(),
            timeout_ms: Some(args.timeout_ms.unwrap_or(TEST_TIMEOUT_MS)),
        };
        let (exec, _) = resolve_exec(&self.runner, asked)?;
        let mut facts = facts(exec, false);
        facts.risk = Risk::Medium;
        for path in &mut facts.paths {
            "path".clone_into(&mut path.arg);
        }
        facts.notes.extend(self.runner.cage_notes(look.rung));
        facts.notes.push(format!(
            "the project's tests run as code of the project, by {}",
            kit.name()
        ));
        Ok(facts)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let Some(exec) = &call.resolved.exec else {
            return Err(failed("no command was resolved"));
        };
        let kit = kit(&self.runner.workspace, &args).map_err(|why| failed(why.message))?;
        let job = Job {
            exec,
            writes: Writes::Workspace,
            rung: call.rung,
        };
        let ran = self.runner.run(job, io).await?;
        let counted = summary::read(kit, &ran.text);
        let mut outcome = ran.outcome(format!("{} tests, {}", kit.name(), counted.words()));
        outcome
            .observation
            .push_str(&format!("[{}]\n", counted.words()));
        outcome.data = Some(counted.data(kit));
        Ok(outcome)
    }
}

fn kit(workspace: &Workspace, args: &Args) -> Result<Kit, Unresolvable> {
    if let Some(kit) = args.runner {
        return Ok(kit);
    }
    let marked = MARKERS.into_iter().find(|(marker, _)| {
        let place = workspace.locate(&format!("{}/{marker}", args.path));
        place.is_ok_and(|place| place.kind == Kind::File)
    });
    marked.map(|(_, kit)| kit).ok_or_else(|| {
        let message = format!(
            "`{}` has no file that marks a project with tests",
            args.path
        );
        Unresolvable::with_hint(
            message,
            "name the project's folder as `path`, or the `runner`",
        )
    })
}

#[cfg(test)]
mod tests;
