//! Skills of a run: chosen and checked before anything is made.

use std::collections::{BTreeMap, BTreeSet};

use thymos_protocol::SkillChoice;

use super::Setting;
use super::client::Client;
use super::skills::{Folder, rows};
use crate::args::SkillArgs;
use crate::error::{AppError, ErrorKind};

/// The skills that were named, each with the parameters that are its own.
pub(super) async fn chosen(
    client: &mut Client,
    setting: &Setting<'_>,
    args: &SkillArgs,
) -> Result<Vec<SkillChoice>, AppError> {
    if args.names.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = BTreeSet::new();
    if let Some((key, _)) = args.params.iter().find(|(key, _)| !seen.insert(key)) {
        let message = format!("`--param {key}` is given more than once");
        return Err(AppError::new(ErrorKind::Usage, message)
            .hint("give one value; it counts for every bound skill that has it"));
    }
    let folder = Folder(setting.config.paths.skills());
    let rows = rows(client).await?;
    let mut unclaimed: Vec<&str> = args.params.iter().map(|(key, _)| key.as_str()).collect();
    let mut chosen = Vec::new();
    for name in &args.names {
        let (_, file) = folder.read(name)?;
        let row = rows.iter().find(|row| row.name == *name);
        let fault = row.and_then(|row| Some((row, row.fault.as_ref()?)));
        if let Some((row, fault)) = fault {
            let message = format!("skill `{name}` cannot be bound: {fault}");
            let kind = match row.unauthorized {
                true => ErrorKind::Refused,
                false => ErrorKind::User,
            };
            return Err(AppError::new(kind, message)
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
        chosen.push(SkillChoice {
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
