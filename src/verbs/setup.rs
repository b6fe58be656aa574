//! `thymos setup`: three steps to a working session, each of which Enter passes over. Changes one line of the
//! config, and the keys that `thymos auth` keeps.

use std::fs;
use std::io::ErrorKind as IoKind;
use std::os::unix::fs::PermissionsExt;

use thymos_core::writ::Mode;

use super::{Setting, auth};
use crate::config::change::with_model;
use crate::config::paths;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::panes::welcome::allowed;
use crate::term::ask;
use crate::wire::models::{KeyRow, KeySource, chosen, key_rows, needs_model, works_without_key};
use crate::wire::trust::replace;

/// The offline model, first of the list.
const PRACTICE: &str = "practice";

/// What stands before the words of a step.
const INDENT: &str = "        ";

/// Characters of a line, with that.
const LINE_CHARS_MAX: usize = 78;

/// Goes through the steps. Gives whether the app is to be opened now.
///
/// # Errors
/// [`AppError`] where the config or the kept keys cannot be read or written.
pub(super) fn walk(setting: &Setting<'_>) -> Result<bool, AppError> {
    let asks = out::terminal().0;
    folder(setting, asks)?;
    let goes_on = model(setting, asks)?;
    if !asks {
        say(
            "Without a terminal nothing is asked. `thymos` opens the app, `thymos doctor` says what is missing.",
        )?;
        return Ok(false);
    }
    if !goes_on {
        return Ok(false);
    }
    out::line("")?;
    out::line("3 of 3  Begin")?;
    say(
        "The app opens in this folder. Say `give me a tour` there: with the practice model it shows a read that is \
         allowed, an edit that waits for you, and a call that is refused. F1 lists all keys.",
    )?;
    let answer = ask::line("        Enter opens it, n leaves: ")?;
    Ok(answer.is_some_and(|word| !word.to_lowercase().starts_with('n')))
}

/// Says something in lines that a terminal of 80 columns shows whole.
fn say(text: &str) -> Result<(), AppError> {
    let text = out::safe(text);
    let mut line = String::new();
    for word in text.split(' ') {
        let full = INDENT.len() + line.chars().count() + 1 + word.chars().count() > LINE_CHARS_MAX;
        if full && !line.is_empty() {
            out::line(&format!("{INDENT}{line}"))?;
            line.clear();
        }
        let gap = if line.is_empty() { "" } else { " " };
        line = format!("{line}{gap}{word}");
    }
    out::line(&format!("{INDENT}{line}"))
}

fn folder(setting: &Setting<'_>, asks: bool) -> Result<(), AppError> {
    let mode = setting.config.mode.value;
    let folder = setting.directory.display().to_string();
    out::line(&format!("1 of 3  Folder {}", out::safe(&folder)))?;
    say(&format!(
        "A run here begins in mode {}: {}. A model only proposes; every action is checked against that, and recorded.",
        mode.word(),
        allowed(mode)
    ))?;
    if mode != Mode::Plan {
        say("`thymos --mode plan` only looks.")?;
    }
    if asks {
        ask::line("        Enter goes on: ")?;
    }
    Ok(())
}

/// False where input ended.
fn model(setting: &Setting<'_>, asks: bool) -> Result<bool, AppError> {
    let now = chosen(setting.env, setting.config)?;
    let rows = key_rows(setting.env, setting.config)?;
    let ready = ready(&rows);
    out::line("")?;
    out::line(&format!("2 of 3  Model, now {}", out::safe(&now)))?;
    for (at, (name, words)) in ready.iter().enumerate() {
        let number = at + 1;
        out::line(&format!(
            "      {number:>2}  {:<14} {}",
            out::safe(name),
            out::safe(words)
        ))?;
    }
    let others = rows.iter().filter(|row| is_missing(row));
    let others: Vec<&str> = others.map(|row| row.provider.as_str()).collect();
    say(&format!("With a key of yours: {}", others.join(", ")))?;
    if !asks {
        say(
            "`thymos auth set NAME` keeps a key; `model = \"NAME\"` under `[session]` of the config chooses.",
        )?;
        return Ok(true);
    }
    loop {
        let prompt = format!("        Number or name, Enter keeps {}: ", out::safe(&now));
        let Some(word) = ask::line(&prompt)? else {
            return Ok(false);
        };
        if word.is_empty() {
            return Ok(true);
        }
        let number = word.parse::<usize>().ok();
        let numbered = number.and_then(|at| ready.get(at.checked_sub(1)?));
        let name = numbered.map_or(word.as_str(), |(name, _)| name);
        match take(setting, &rows, name) {
            Ok(()) => return Ok(true),
            Err(no) if no.kind == ErrorKind::Interrupted => return Err(no),
            // A slip is told, and asked about again.
            Err(no) => {
                out::talk(&format!("{INDENT}{}", no.sentence()));
                for hint in &no.hints {
                    out::talk(&format!("{INDENT}hint: {hint}"));
                }
            }
        }
    }
}

/// What works now, with why.
fn ready(rows: &[KeyRow]) -> Vec<(String, String)> {
    let offline = "offline, needs no key; its tools are real".to_owned();
    let mut ready = vec![(PRACTICE.to_owned(), offline)];
    for row in rows.iter().filter(|row| !is_missing(row)) {
        let words = match &row.source {
            KeySource::NotNeeded => row.url.clone(),
            source => auth::told(source).1,
        };
        ready.push((row.provider.clone(), words));
    }
    ready
}

const fn is_missing(row: &KeyRow) -> bool {
    matches!(row.source, KeySource::Missing(_) | KeySource::Elsewhere(_))
}

/// Asks for what a provider needs, and has the config choose it.
fn take(setting: &Setting<'_>, rows: &[KeyRow], name: &str) -> Result<(), AppError> {
    let provider = name.split('/').next().unwrap_or_default();
    match rows.iter().find(|row| row.provider == provider) {
        None if works_without_key(provider) => {}
        None => drop(auth::found(setting, provider)?),
        Some(row) if is_missing(row) => {
            let row = auth::found(setting, provider)?;
            let key = auth::asked(&row)?;
            auth::keep(setting, &row, &key)?;
        }
        Some(_) => {}
    }
    let mut name = name.to_owned();
    if needs_model(setting.config, &name) {
        let prompt = format!("        Which model of {}: ", out::safe(provider));
        let model = ask::line(&prompt)?.filter(|model| !model.is_empty());
        let Some(model) = model else {
            let message = format!("`{provider}` has no model of its own to begin with");
            return Err(
                AppError::new(ErrorKind::User, message).hint("name one, or take another provider")
            );
        };
        name = format!("{provider}/{model}");
    }
    choose(setting, &name)
}

/// Writes the choice into the config, where it is not what holds anyway.
fn choose(setting: &Setting<'_>, name: &str) -> Result<(), AppError> {
    if chosen(setting.env, setting.config)? == name {
        return Ok(());
    }
    // What a link leads to is written, and the link stays.
    let named = &setting.config.file;
    let file = named.canonicalize().unwrap_or_else(|_| named.clone());
    let shown = file.display();
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == IoKind::NotFound => String::new(),
        Err(error) => return Err(unwritten(&shown.to_string(), &error)),
    };
    let line = format!("model = {name:?} under [session]");
    let Some(text) = with_model(&text, name) else {
        let message =
            format!("`{shown}` says `session` in a way of its own, and was left as it is");
        return Err(AppError::new(ErrorKind::Config, message).hint(format!("write there: {line}")));
    };
    paths::make_private(setting.config.paths.config_folder())?;
    let before = fs::metadata(&file).map(|meta| meta.permissions());
    let mode = before.map_or(0o600, |before| before.mode());
    replace(&file, text.as_bytes())
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(mode)))
        .map_err(|error| unwritten(&shown.to_string(), &error))?;
    out::talk(&format!("{INDENT}{line} stands in {shown}"));
    Ok(())
}

fn unwritten(file: &str, error: &std::io::Error) -> AppError {
    AppError::new(
        ErrorKind::Config,
        format!("config `{file}` cannot be written: {error}"),
    )
    .hint("check who owns it, or choose with --model")
}
