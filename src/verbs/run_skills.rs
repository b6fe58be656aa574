//! Skills of a run: chosen and checked before anything is made, bound before the first word.

use std::collections::BTreeMap;

use thymos_core::TrajectoryId;
use thymos_protocol::{Command, Replied};

use super::Setting;
use super::client::{Client, unexpected};
use super::skills::{Folder, rows};
use crate::args::SkillArgs;
use crate::config::Source;
use crate::error::{AppError, ErrorKind};

/// A skill with its values.
pub(super) struct ChosenSkill {
    name: String,
    parameters: BTreeMap<String, String>,
}

/// The skills that were named, each with the parameters that are its own.
pub(super) async fn chosen(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &SkillArgs,
) -> Result<Vec<ChosenSkill>, AppError> {
    if args.names.is_empty() {
        return Ok(Vec::new());
    }
    let folder = Folder(setting.config.paths.skills());
    let rows = rows(client).await?;
    let mut unclaimed: Vec<&str> = args.params.iter().map(|(key, _)| key.as_str()).collect();
    let mut chosen = Vec::new();
    for name in &args.names {
        let (_, file) = folder.read(name)?;
        let row = rows.iter().find(|row| row.name == *name);
        if let Some(fault) = row.and_then(|row| row.fault.as_ref()) {
            let message = format!("skill `{name}` cannot be bound: {fault}");
            return Err(AppError::new(ErrorKind::User, message)
                .hint(format!("mend it, then: thymos skills check {name}")));
        }
        let skill = file.skill;
        let own = |key: &str| skill.params.iter().any(|param| param.key == key);
        unclaimed.retain(|key| !own(key));
        let parameters: BTreeMap<String, String> = args
            .params
            .iter()
            .filter(|(key, _)| own(key))
            .cloned()
            .collect();
        skill
            .values(&parameters)
            .map_err(|no| AppError::new(ErrorKind::Usage, no.message).hint(no.hint))?;
        chosen.push(ChosenSkill {
            name: name.clone(),
            parameters,
        });
    }
    match unclaimed.first() {
        None => Ok(chosen),
        Some(key) => {
            let names = args.names.join("`, `");
            let message = format!("skill `{names}` has no parameter `{key}`");
            let first = args.names.first().map_or("NAME", String::as_str);
            Err(AppError::new(ErrorKind::Usage, message)
                .hint(format!("look: thymos skills show {first}")))
        }
    }
}

/// Binds them in order. A model that was named on the command line outranks what they suggest.
pub(super) async fn bind(
    client: &mut Client,
    setting: &Setting<'_>,
    trajectory: TrajectoryId,
    skills: Vec<ChosenSkill>,
) -> Result<(), AppError> {
    let model = &setting.config.model;
    if let (Some(model), Source::Flag(_)) = (&model.value, &model.source)
        && !skills.is_empty()
    {
        let model = model.clone();
        accepted(client.ask(Command::SetModel { trajectory, model }).await?)?;
    }
    for skill in skills {
        let command = Command::BindSkill {
            trajectory,
            name: skill.name,
            parameters: skill.parameters,
        };
        accepted(client.ask(command).await?)?;
    }
    Ok(())
}

fn accepted(replied: Replied) -> Result<(), AppError> {
    match replied {
        Replied::Accepted => Ok(()),
        other => Err(unexpected(&other)),
    }
}
