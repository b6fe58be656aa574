//! `thymos skills`: the operator's skills, as files of one folder `[S1]`.
//!
//! Looks and writes there; what a skill may name is the kernel's to say.

use std::fs;
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thymos_core::skill::{Skill, SkillFile};
use thymos_protocol::{Command, Replied, SkillRow};

use super::Setting;
use super::client::{Client, unexpected};
use crate::args::{SkillsVerb, TuneArgs};
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::system::OsEntropy;
use crate::wire::keys;
use crate::wire::skills::{bounded, grant_words};

/// What `new` writes: sound as it is, and narrow.
const STARTER: &str = include_str!("skills/starter.json");

pub(super) async fn perform(
    client: &mut Client,
    setting: &Setting<'_>,
    verb: &SkillsVerb,
) -> Result<u8, AppError> {
    let folder = Folder(setting.config.paths.skills());
    match verb {
        SkillsVerb::Ls(output) => list(client, output.json).await,
        SkillsVerb::Show { name, json } => show(&folder, name, *json),
        SkillsVerb::New { name } => new(&folder, name),
        SkillsVerb::Check { file } => {
            let file = folder.named(file)?;
            let row = checked(client, &file).await?;
            said("in order", &row, &file)
        }
        SkillsVerb::Import { file } => import(client, &folder, file).await,
        SkillsVerb::Sign { file } => sign(client, setting, &folder.named(file)?).await,
        SkillsVerb::Tune(args) => tune(client, &folder, args).await,
        SkillsVerb::Rm { name } => folder.remove(name),
    }
}

/// Every skill of the folder, as the kernel judges it.
pub(super) async fn rows(client: &mut Client) -> Result<Vec<SkillRow>, AppError> {
    match client.ask(Command::Skills).await? {
        Replied::Skills(rows) => Ok(rows),
        other => Err(unexpected(&other)),
    }
}

async fn list(client: &mut Client, json: bool) -> Result<u8, AppError> {
    let rows = rows(client).await?;
    for row in &rows {
        if json {
            out::json(row)?;
            continue;
        }
        let what = match &row.fault {
            Some(fault) => format!("cannot be bound: {fault}"),
            None => row.title.clone(),
        };
        let by = row.signed_by.as_deref().unwrap_or("-");
        out::line(&format!(
            "{:<20} v{:<3} signed by {:<10} {}",
            out::safe(&row.name),
            row.version,
            out::safe(by),
            out::safe(&what)
        ))?;
    }
    if rows.is_empty() && !json {
        out::talk("thymos: no skills yet; `thymos skills new NAME` makes one");
    }
    Ok(0)
}

fn show(folder: &Folder, name: &str, json: bool) -> Result<u8, AppError> {
    let (_, file) = folder.read(name)?;
    if json {
        out::write(text_of(&file)?.as_bytes())?;
        return Ok(0);
    }
    let skill = &file.skill;
    let id = skill.id().map_err(|e| internal(&e))?;
    let row = |key: &str, value: &str| out::line(&format!("{key:<8} {}", out::safe(value)));
    row(
        "skill",
        &format!("{} version {}", skill.name, skill.version),
    )?;
    row("title", &skill.title)?;
    row("id", &id.to_string())?;
    let by = file.signed.as_ref().map(|signed| signed.signer.short());
    row("signed", by.as_deref().unwrap_or("no"))?;
    for param in &skill.params {
        let default = match &param.default {
            Some(default) => format!("default `{default}`"),
            None => "required".to_owned(),
        };
        let values = match param.values.is_empty() {
            true => String::new(),
            false => format!(", one of: {}", param.values.join(", ")),
        };
        let line = format!("{}: {default}{values}  {}", param.key, param.description);
        row("param", line.trim_end())?;
    }
    match skill.tools.is_empty() {
        true => row("tools", "no limit of its own")?,
        false => row("tools", &skill.tools.join(", "))?,
    }
    for grant in &skill.grants {
        row("grant", &grant_words(grant))?;
    }
    if let Some(effects) = &skill.effects {
        row("effects", &effects.to_string())?;
    }
    if let Some(hint) = &skill.model_hint {
        let model = hint.model.as_deref().unwrap_or("its default");
        row("model", &format!("{} / {model}", hint.provider))?;
    }
    out::line("")?;
    out::line(&out::safe_lines(skill.instructions.trim_end()))?;
    Ok(0)
}

fn new(folder: &Folder, name: &str) -> Result<u8, AppError> {
    let starter = SkillFile::read(STARTER.as_bytes()).map_err(|e| internal(&e))?;
    let skill = Skill {
        name: name.to_owned(),
        ..starter.skill
    };
    let text = text_of(&SkillFile {
        skill,
        signed: None,
    })?;
    sound(name, text.as_bytes())?;
    let path = folder.keep_new(name, &text)?;
    out::line(&format!("made {}", path.display()))?;
    out::talk(&format!(
        "thymos: change it there, then `thymos skills check {name}`"
    ));
    Ok(0)
}

async fn import(client: &mut Client, folder: &Folder, path: &Path) -> Result<u8, AppError> {
    let row = checked(client, path).await?;
    let file = read(path)?;
    let target = folder.path(&row.name);
    if target.exists() {
        let (_, known) = folder.read(&row.name)?;
        if known == file {
            out::line(&format!(
                "{} version {} is there already",
                row.name, row.version
            ))?;
            return Ok(0);
        }
        let message = format!(
            "the name `{}` is taken by a skill with other content",
            row.name
        );
        return Err(AppError::new(ErrorKind::User, message)
            .hint(format!("look: thymos skills show {}", row.name))
            .hint(format!("make room: thymos skills rm {}", row.name)));
    }
    folder.keep_new(&row.name, &text_of(&file)?)?;
    said("imported", &row, &target)
}

async fn sign(client: &mut Client, setting: &Setting<'_>, path: &Path) -> Result<u8, AppError> {
    let skill = read(path)?.skill;
    let key = keys::operator_key(&setting.config.paths, &OsEntropy)?;
    let signed = skill.sign(&key).map_err(|e| internal(&e))?;
    replace(path, &text_of(&signed)?)?;
    let row = checked(client, path).await?;
    said("signed", &row, path)
}

async fn tune(client: &mut Client, folder: &Folder, args: &TuneArgs) -> Result<u8, AppError> {
    let (path, file) = folder.read(&args.name)?;
    if args.set.is_empty() && args.title.is_none() && args.instructions.is_none() {
        let error = AppError::new(ErrorKind::Usage, "there is nothing to change");
        return Err(error.hint("use --set KEY=VALUE, --title TEXT or --instructions FILE"));
    }
    let was_signed = file.signed.is_some();
    let mut skill = file.skill;
    for (key, value) in &args.set {
        let known = skill.params.iter_mut().find(|param| param.key == *key);
        let Some(param) = known else {
            let message = format!("skill `{}` has no parameter `{key}`", args.name);
            return Err(AppError::new(ErrorKind::Usage, message)
                .hint(format!("look: thymos skills show {}", args.name)));
        };
        param.default = Some(value.clone());
    }
    if let Some(title) = &args.title {
        skill.title.clone_from(title);
    }
    if let Some(file) = &args.instructions {
        let text = bounded(file).map_err(|e| unreadable(file, &e))?;
        let text = String::from_utf8(text).map_err(std::io::Error::other);
        skill.instructions = text.map_err(|e| unreadable(file, &e))?;
    }
    skill.version = skill.version.saturating_add(1);
    let text = text_of(&SkillFile {
        skill,
        signed: None,
    })?;
    let row = judge(client, &path, &args.name, text.clone().into_bytes()).await?;
    replace(&path, &text)?;
    if was_signed {
        out::talk(&format!(
            "thymos: the signature was of the version before; `thymos skills sign {}`",
            args.name
        ));
    }
    said("tuned", &row, &path)
}

fn said(what: &str, row: &SkillRow, path: &Path) -> Result<u8, AppError> {
    let id: String = row.id.chars().take(12).collect();
    out::line(&format!(
        "{what}: {} version {} ({id}), {}",
        out::safe(&row.name),
        row.version,
        path.display()
    ))?;
    Ok(0)
}

/// A file that the kernel would bind, or what is wrong with it.
async fn checked(client: &mut Client, path: &Path) -> Result<SkillRow, AppError> {
    let file = read(path)?;
    let text = text_of(&file)?.into_bytes();
    judge(client, path, &file.skill.name, text).await
}

async fn judge(
    client: &mut Client,
    path: &Path,
    name: &str,
    text: Vec<u8>,
) -> Result<SkillRow, AppError> {
    let texts = vec![(name.to_owned(), text)];
    let rows = match client.ask(Command::CheckSkills { texts }).await? {
        Replied::Skills(rows) => rows,
        other => return Err(unexpected(&other)),
    };
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| AppError::new(ErrorKind::Internal, "the kernel gave no row"))?;
    match &row.fault {
        None => Ok(row),
        Some(fault) => {
            let message = format!("skill file `{}`: {fault}", path.display());
            let (kind, hint) = match row.unauthorized {
                true => (
                    ErrorKind::Refused,
                    "sign it yourself once you have read it: thymos skills sign FILE",
                ),
                false => (
                    ErrorKind::User,
                    "correct the file; `thymos skills show NAME --json` shows a sound one",
                ),
            };
            Err(AppError::new(kind, message).hint(hint))
        }
    }
}

fn read(path: &Path) -> Result<SkillFile, AppError> {
    let text = bounded(path).map_err(|e| unreadable(path, &e))?;
    SkillFile::read(&text).map_err(|no| malformed(path, &no))
}

fn sound(name: &str, text: &[u8]) -> Result<(), AppError> {
    match SkillFile::read(text) {
        Ok(_) => Ok(()),
        Err(no) => {
            let shown: String = name.chars().take(80).collect();
            let message = format!("`{shown}` cannot name a skill: {no}");
            Err(AppError::new(ErrorKind::Usage, message).hint("use a name such as `repo-reader`"))
        }
    }
}

fn malformed(path: &Path, no: &thymos_core::skill::InvalidSkill) -> AppError {
    let message = format!("skill file `{}` {no}", path.display());
    AppError::new(ErrorKind::User, message).hint("docs/guide/skills.md tells what a skill holds")
}

fn unreadable(path: &Path, error: &std::io::Error) -> AppError {
    let message = format!("`{}` cannot be read: {error}", path.display());
    AppError::new(ErrorKind::User, message)
        .hint("name a file, or a skill that `thymos skills ls` lists")
}

fn text_of(file: &SkillFile) -> Result<String, AppError> {
    file.text().map_err(|e| internal(&e))
}

fn internal(error: &dyn std::fmt::Display) -> AppError {
    AppError::new(ErrorKind::Internal, error.to_string())
}

/// Where skills are kept.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    /// A skill of the folder by its name.
    pub(super) fn read(&self, name: &str) -> Result<(PathBuf, SkillFile), AppError> {
        let shown: String = name.chars().take(80).collect();
        let path = self.path(name);
        if name.contains(['/', '\\']) || !path.is_file() {
            let message = format!("there is no skill `{shown}`");
            return Err(
                AppError::new(ErrorKind::User, message).hint("`thymos skills ls` lists them")
            );
        }
        let file = read(&path)?;
        Ok((path, file))
    }

    /// The file that was meant: the path, or the skill of that name.
    fn named(&self, given: &Path) -> Result<PathBuf, AppError> {
        let own = given.to_str().filter(|name| !name.contains('/'));
        if let Some(path) = own
            .map(|name| self.path(name))
            .filter(|path| path.is_file())
        {
            return Ok(path);
        }
        match given.is_file() {
            true => Ok(given.to_path_buf()),
            false => {
                let shown: String = given.display().to_string().chars().take(80).collect();
                let message = format!("there is no skill and no file `{shown}`");
                Err(AppError::new(ErrorKind::User, message)
                    .hint("name a file, or a skill that `thymos skills ls` lists"))
            }
        }
    }

    /// Writes a file that was not there.
    fn keep_new(&self, name: &str, text: &str) -> Result<PathBuf, AppError> {
        paths::make_private(&self.0)?;
        let path = self.path(name);
        let made = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == IoKind::AlreadyExists => {
                let message = format!("the name `{name}` is taken");
                Err(AppError::new(ErrorKind::User, message)
                    .hint(format!("change it: thymos skills tune {name}")))
            }
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    fn remove(&self, name: &str) -> Result<u8, AppError> {
        let path = self.path(name);
        if name.contains(['/', '\\']) || !path.is_file() {
            self.read(name)?;
        }
        fs::remove_file(&path).map_err(|e| unwritable(&path, &e))?;
        out::line(&format!("removed {}", path.display()))?;
        Ok(0)
    }
}

/// Puts a whole new file in the place of another: who looks meanwhile sees one or the other.
fn replace(path: &Path, text: &str) -> Result<(), AppError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        drop(fs::remove_file(&beside));
        unwritable(path, &error)
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> AppError {
    let message = format!("`{}` cannot be written: {error}", path.display());
    AppError::new(ErrorKind::User, message).hint("check who owns the folder")
}
