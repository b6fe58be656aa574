//! `shell`: runs one command in the cage. Keeps no shell of its own between calls.
//!
//! A command that the pinned table knows to only read is a read; everything else is external, and
//! where no cage can hold the difference, everything is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::isolation::Rung;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved, ResolvedExec, ResolvedPath};
use thymos_core::tool::{Compensation, Recovery, ToolContract};
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{here, parse};
use crate::body::{Body, Call, failed};
use crate::contract::{object, read_facts, reading};
use crate::fs_read::existing;
use crate::image::path_fact;
use crate::limits::{ARGV_MAX, ENV_ADDED_MAX, TIMEOUT_MS, TIMEOUT_MS_MAX};
use crate::process::{Job, Runner, Writes, executable};
use crate::text::prefix;
use crate::workspace::Kind;

mod git;
mod line;
mod table;

use line::{Line, analyse};

pub(crate) struct Shell {
    runner: Arc<Runner>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    argv: Option<Vec<String>>,
    command: Option<String>,
    #[serde(default = "here")]
    cwd: String,
    timeout_ms: Option<u64>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// Variables that would change what the card shows: which program runs, or what runs before it.
const ENV_REFUSED: [&str; 7] = [
    "PATH",
    "IFS",
    "ENV",
    "BASH_ENV",
    "SHELLOPTS",
    "TMPDIR",
    "HOME",
];
const ENV_REFUSED_PREFIXES: [&str; 3] = ["LD_", "DYLD_", "BASH_FUNC"];

/// The least rung at which a command classed as a read is held to reading.
const READ_RUNG_MIN: Rung = Rung::L2;

impl Shell {
    pub(crate) fn new(runner: Arc<Runner>) -> Self {
        let mut schema = object(
            json!({
                "argv": {"type": "array", "minItems": 1, "maxItems": ARGV_MAX, "items": {"type": "string"}, "description": "Program and arguments, run without a shell."},
                "command": {"type": "string", "minLength": 1, "maxLength": 100_000, "description": "A command line. Run without a shell where it is plain words, and by /bin/sh where it has pipes, redirects, variables or the like."},
                "cwd": {"type": "string", "minLength": 1, "description": "Folder to run in, relative to the workspace. Default: the workspace."},
                "timeout_ms": {"type": "integer", "minimum": 100, "maximum": TIMEOUT_MS_MAX, "description": "Time after which it is stopped. Default 120000."},
                "env": {"type": "object", "maxProperties": ENV_ADDED_MAX, "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}, "additionalProperties": {"type": "string", "maxLength": 8192}, "description": "Variables to add to the environment."},
            }),
            &[],
        );
        if let Some(schema) = schema.as_object_mut() {
            let one = json!([{"required": ["argv"]}, {"required": ["command"]}]);
            schema.insert("oneOf".to_owned(), one);
        }
        let description = "Runs one command in a cage: it may read the system and the workspace, write in the \
            workspace only, and reach no network. Give exactly one of `argv` and `command`. Its input is \
            empty, so nothing that asks questions works. Prefer the file tools for reading and editing.";
        let contract = ToolContract {
            recovery: Recovery::Neither,
            compensation: Compensation::Impossible(IMPOSSIBLE.to_owned()),
            ..reading("shell", description, schema)
        };
        Self { runner, contract }
    }
}

const IMPOSSIBLE: &str = "a command may do what no record can undo; changed files are recorded";

#[async_trait]
impl Body for Shell {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        check_env(&args.env)?;
        let (arg, argv, shape) = match (&args.argv, &args.command) {
            (Some(argv), None) => ("argv", argv.clone(), line::PLAIN.to_owned()),
            (None, Some(command)) => match analyse(command) {
                Line::Plain(argv) => ("command", argv, line::PLAIN.to_owned()),
                Line::Shell(shape) => {
                    let argv = ["/bin/sh", "-c", command].map(str::to_owned);
                    ("command", argv.to_vec(), shape.sentence())
                }
            },
            (Some(_), Some(_)) | (None, None) => {
                return Err(Unresolvable::new(
                    "give exactly one of `argv` and `command`",
                ));
            }
        };
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(Unresolvable::new("an argument holds a NUL byte"));
        }
        let asked = Asked {
            arg,
            argv,
            shape,
            cwd: &args.cwd,
            env: args.env.clone(),
            timeout_ms: args.timeout_ms,
        };
        let (exec, installed) = resolve_exec(&self.runner, asked)?;
        let reads = installed
            && exec.env.is_empty()
            && look.rung >= READ_RUNG_MIN
            && table::only_reads(&exec.argv, &|path| self.inside(&exec.cwd, path))
            && self.runs_no_other(&exec);
        let mut facts = facts(exec, reads);
        facts.notes.extend(self.runner.cage_notes(look.rung));
        Ok(facts)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let Some(exec) = &call.resolved.exec else {
            return Err(failed("no command was resolved"));
        };
        let writes = match call.resolved.effect {
            EffectClass::Pure | EffectClass::Read => Writes::Nowhere,
            EffectClass::Write | EffectClass::External | EffectClass::Irreversible => {
                Writes::Workspace
            }
        };
        let job = Job {
            exec,
            writes,
            rung: call.rung,
        };
        let ran = self.runner.run(job, io).await?;
        let line = exec.argv.join(" ");
        let mut outcome_data =
            json!({"argv": exec.argv, "cwd": exec.cwd, "duration_ms": ran.duration_ms});
        if let Some(data) = outcome_data.as_object_mut() {
            data.insert("ending".to_owned(), json!(ran.ending()));
        }
        let mut outcome = ran.outcome(format!("`{}`", prefix(&line, 80)));
        outcome.data = Some(outcome_data);
        Ok(outcome)
    }
}

impl Shell {
    /// Whether a reading command starts no program that the workspace names.
    fn runs_no_other(&self, exec: &ResolvedExec) -> bool {
        let is_git = exec.argv.first().is_some_and(|name| name == "git");
        !is_git || git::runs_nothing(&self.runner.workspace.absolute(&exec.cwd))
    }

    /// Whether a path argument of a reading command stays inside and open; missing is fine.
    fn inside(&self, cwd: &str, path: &str) -> bool {
        let from_root = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{cwd}/{path}")
        };
        // Tools expand nothing here, but a leading `~` or a magic `:(…)` means something to some.
        !path.starts_with(['~', ':']) && self.runner.workspace.locate(&from_root).is_ok()
    }
}

/// A command as asked for.
pub(crate) struct Asked<'a> {
    pub(crate) arg: &'a str,
    pub(crate) argv: Vec<String>,
    pub(crate) shape: String,
    pub(crate) cwd: &'a str,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) timeout_ms: Option<u64>,
}

/// Pins program and folder of a command; says whether it is one of the installed programs.
pub(crate) fn resolve_exec(
    runner: &Runner,
    asked: Asked<'_>,
) -> Result<(ResolvedExec, bool), Unresolvable> {
    let place = existing(&runner.workspace, asked.cwd)?;
    if place.kind != Kind::Folder {
        let message = format!(
            "`{}` is {} and no folder to run in",
            asked.cwd,
            place.kind.noun()
        );
        return Err(Unresolvable::new(message));
    }
    let name = asked.argv.first().map_or("", String::as_str);
    let found = executable::find(runner, name, &place.path)?;
    let real = found
        .real
        .to_str()
        .ok_or_else(|| Unresolvable::new(format!("the path of `{name}` is not UTF-8")))?;
    let exec = ResolvedExec {
        arg: asked.arg.to_owned(),
        executable: real.to_owned(),
        executable_digest: found.digest,
        argv: asked.argv,
        cwd: place.path,
        env: asked.env,
        stdin_bytes: 0,
        timeout_ms: asked.timeout_ms.unwrap_or(TIMEOUT_MS).min(TIMEOUT_MS_MAX),
        shape: asked.shape,
    };
    Ok((exec, found.installed))
}

/// Facts of running a command.
pub(crate) fn facts(exec: ResolvedExec, reads: bool) -> Resolved {
    let mut facts = read_facts(exec.timeout_ms);
    facts.paths.push(ResolvedPath {
        arg: "cwd".to_owned(),
        ..path_fact(
            &exec.cwd,
            if reads { Access::Read } else { Access::Write },
            None,
        )
    });
    if !reads {
        facts.effect = EffectClass::External;
        facts.risk = Risk::High;
        facts.compensation = Compensation::Impossible(IMPOSSIBLE.to_owned());
    }
    facts.exec = Some(exec);
    facts
}

fn check_env(env: &BTreeMap<String, String>) -> Result<(), Unresolvable> {
    let refused = |name: &&String| {
        ENV_REFUSED.contains(&name.as_str())
            || ENV_REFUSED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    };
    if let Some(name) = env.keys().find(refused) {
        let message = format!("the variable `{name}` cannot be set by a call");
        return Err(Unresolvable::with_hint(
            message,
            "the operator sets it for all commands",
        ));
    }
    if env.values().any(|value| value.contains('\0')) {
        return Err(Unresolvable::new("a variable holds a NUL byte"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
