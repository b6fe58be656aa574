//! `thymos policy`: the rules in force, and bundles of the operator's own.
//!
//! What concerns files is in `files`; here are the questions to the kernel.

use thymos_policy::own;
use thymos_protocol::{ChangedVerdict, Command, Policies, Replied};

use super::client::{Client, unexpected};
use super::{Setting, ids, with_client};
use crate::args::PolicyVerb;
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::out;
use crate::wire::policy;

mod files;

pub(super) fn perform(setting: &Setting<'_>, verb: &PolicyVerb) -> Result<u8, AppError> {
    match verb {
        PolicyVerb::Ls(output) => {
            list(&asked(setting, Command::Policies)?, output.json).map(|()| 0)
        }
        PolicyVerb::Reload(output) => {
            let policies = asked(setting, Command::ReloadPolicy)?;
            list(&policies, output.json)?;
            Ok(u8::from(!policies.refused.is_empty()))
        }
        PolicyVerb::Show { name, json } => show(setting, name, *json),
        PolicyVerb::Check(args) => files::check(setting, args),
        PolicyVerb::Test(args) => files::test(args),
        PolicyVerb::Sign(args) => files::sign(setting, args),
        PolicyVerb::Load(args) => files::load(setting, args),
        PolicyVerb::Unload { name } => files::unload(setting, name),
        PolicyVerb::Simulate { file, run, json } => {
            let candidate = files::candidate(setting, file)?;
            with_client(setting, async |client| {
                simulate(client, candidate, run.as_deref(), *json).await
            })
        }
    }
}

fn asked(setting: &Setting<'_>, command: Command) -> Result<Policies, AppError> {
    with_client(setting, async |client| match client.ask(command).await? {
        Replied::Policies(policies) => Ok(policies),
        other => Err(unexpected(&other)),
    })
}

/// Says which files of the folder are refused, before work begins under other rules than meant.
pub(super) async fn warn(client: &mut Client) -> Result<(), AppError> {
    let policies = match client.ask(Command::Policies).await? {
        Replied::Policies(policies) => policies,
        other => return Err(unexpected(&other)),
    };
    for no in &policies.refused {
        out::talk(&format!(
            "thymos: a policy file is refused: {}",
            out::safe(no)
        ));
    }
    Ok(())
}

fn list(policies: &Policies, json: bool) -> Result<(), AppError> {
    if json {
        return out::json(policies);
    }
    for row in &policies.bundles {
        let signed = match &row.signed_by {
            Some(who) => format!("signed by {}", out::safe(who)),
            None => "part of the program".to_owned(),
        };
        let until = row
            .until
            .map_or_else(String::new, |end| format!(", until {end}"));
        out::line(&format!(
            "{:<14}  {:<8}  {:>3} rules  default {:<6}  {signed}{until}",
            out::safe(&row.name),
            out::safe(&row.version),
            row.rules.len(),
            row.default
        ))?;
    }
    out::line(&format!("switches: {}", policies.switches.join(", ")))?;
    out::line(&format!("set: {}", policies.set))?;
    for no in &policies.refused {
        out::line(&format!("refused: {}", out::safe(no)))?;
    }
    if !policies.refused.is_empty() {
        out::talk(
            "thymos: while a file is refused, running sessions keep the rules before it, and new \
             ones forbid everything",
        );
    }
    Ok(())
}

fn show(setting: &Setting<'_>, name: &str, json: bool) -> Result<u8, AppError> {
    let roots = files::roots(setting)?;
    let (shelved, _) = policy::folder(&setting.config.paths.policy(), &roots);
    let mut bundles: Vec<_> = shelved
        .iter()
        .map(|one| one.signed.bundle().clone())
        .collect();
    bundles.push(own::builtin());
    let Some(bundle) = bundles.iter().find(|bundle| bundle.name() == name) else {
        let known = bundles.iter().map(thymos_policy::Bundle::name);
        let near = nearest(name, known).map_or_else(
            || "list them with `thymos policy ls`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("there is no bundle `{}`", out::safe(name));
        return Err(AppError::new(ErrorKind::User, message).hint(near));
    };
    if json {
        return out::json(bundle.value()).map(|()| 0);
    }
    let default = bundle.value().get("default").and_then(|word| word.as_str());
    out::line(&format!("{} {}", bundle.name(), bundle.version()))?;
    out::line(&format!("default {}", default.unwrap_or_default()))?;
    if let Some(window) = bundle.window() {
        let end = window.expires_at.map(|end| format!(" until {end}"));
        let end = end.unwrap_or_default();
        out::line(&format!("holds from {}{end}", window.not_before))?;
    }
    for rule in bundle.rules_in_words() {
        out::line(&format!("  {}", out::safe(&rule)))?;
    }
    Ok(0)
}

pub(super) async fn simulate(
    client: &mut Client,
    candidate: serde_json::Value,
    run: Option<&str>,
    json: bool,
) -> Result<u8, AppError> {
    let trajectory = match run {
        Some(prefix) => Some(ids::trajectory(client, prefix).await?),
        None => None,
    };
    let command = Command::Simulate {
        trajectory,
        candidate,
    };
    let simulation = match client.ask(command).await? {
        Replied::Simulated(simulation) => simulation,
        other => return Err(unexpected(&other)),
    };
    if json {
        return out::json(&simulation).map(|()| 0);
    }
    for row in &simulation.changes {
        told(row)?;
    }
    out::line(&format!(
        "{}: {} of {} decisions would change, {} cannot be told for sure",
        out::safe(&simulation.candidate),
        simulation.changes.len(),
        simulation.decisions,
        simulation.uncertain
    ))?;
    Ok(0)
}

fn told(row: &ChangedVerdict) -> Result<(), AppError> {
    out::line(&format!(
        "{} {:>4}  {:<7} -> {:<7}  {} {}",
        row.trajectory.short(),
        row.seq,
        row.was,
        row.would_be,
        out::safe(&row.tool),
        out::safe(&row.line)
    ))?;
    out::line(&format!("      {}", out::safe(&row.because)))
}
