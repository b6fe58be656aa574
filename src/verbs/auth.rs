//! `thymos auth`: keeps, lists and takes away keys of model providers. Prints none.

use std::io::Read;

use thymos_core::secret::Secret;

use super::Setting;
use crate::args::AuthVerb;
use crate::error::{AppError, ErrorKind};
use crate::out;
use crate::term::ask;
use crate::wire::models::{KeyRow, KeySource, key_rows, near_providers, works_without_key};
use crate::wire::provider_keys::{KEY_BYTES_MAX, ProviderKeys, checked};

pub(super) fn perform(setting: &Setting<'_>, verb: &AuthVerb) -> Result<u8, AppError> {
    match verb {
        AuthVerb::Ls(output) => list(setting, output.json),
        AuthVerb::Set { provider } => set(setting, provider),
        AuthVerb::Rm { provider } => remove(setting, provider),
    }
}

fn list(setting: &Setting<'_>, json: bool) -> Result<u8, AppError> {
    let rows = key_rows(setting.env, setting.config)?;
    for row in &rows {
        let (state, words) = told(&row.source);
        if json {
            out::json(&serde_json::json!({
                "provider": row.provider, "url": row.url, "key": state, "from": words,
            }))?;
            continue;
        }
        let (name, url) = (out::safe(&row.provider), out::safe(&row.url));
        out::line(&format!("{name:<14}  {:<36}  {url}", out::safe(&words)))?;
    }
    // One whose provider is no more in the config.
    for (name, url) in ProviderKeys::read(&setting.config.paths)?.names() {
        if rows.iter().all(|row| row.provider != name) {
            let (name, url) = (out::safe(name), out::safe(url));
            out::talk(&format!(
                "thymos: a key is kept for `{name}` at {url}, and there is no such provider any more"
            ));
        }
    }
    Ok(0)
}

/// In a word for programs, and in words.
pub(super) fn told(source: &KeySource) -> (&'static str, String) {
    match source {
        KeySource::Variable(name) => ("set", format!("{name} is set")),
        KeySource::File(file) => ("set", format!("file {}", file.display())),
        KeySource::Kept => ("set", "kept".to_owned()),
        KeySource::Elsewhere(url) => ("missing", format!("kept for {url} alone")),
        KeySource::Missing(name) => ("missing", format!("missing ({name} is not set)")),
        KeySource::NotNeeded => ("not needed", "no key needed".to_owned()),
    }
}

fn set(setting: &Setting<'_>, provider: &str) -> Result<u8, AppError> {
    let row = found(setting, provider)?;
    let key = asked(&row)?;
    keep(setting, &row, &key)?;
    Ok(0)
}

/// The provider of that name, where a key can be kept for it.
pub(super) fn found(setting: &Setting<'_>, provider: &str) -> Result<KeyRow, AppError> {
    let rows = key_rows(setting.env, setting.config)?;
    let Some(row) = rows.into_iter().find(|row| row.provider == provider) else {
        return Err(no_provider(setting, provider));
    };
    if let KeySource::File(file) = &row.source {
        let message = format!("the key of `{provider}` is in `{}`", file.display());
        return Err(AppError::new(ErrorKind::User, message)
            .hint("write it there, or take `key_file` out of the config"));
    }
    match row.url.is_empty() {
        true => Err(needs_none(provider)),
        false => Ok(row),
    }
}

fn no_provider(setting: &Setting<'_>, provider: &str) -> AppError {
    if works_without_key(provider) {
        return needs_none(provider);
    }
    let shown: String = provider.chars().take(80).collect();
    AppError::new(ErrorKind::User, format!("there is no provider `{shown}`"))
        .hint(near_providers(&setting.config.providers, provider))
        .hint("one of your own stands in the config: docs/config.md")
}

fn needs_none(provider: &str) -> AppError {
    let message = format!("provider `{provider}` works on this machine, and needs no key");
    AppError::new(ErrorKind::User, message).hint(format!("thymos --model {provider}"))
}

/// Asks for a key, or reads it from a pipe.
pub(super) fn asked(row: &KeyRow) -> Result<Secret<String>, AppError> {
    let typed = match out::terminal().0 {
        true => {
            let prompt = format!(
                "Key of {} for {} (it is not shown): ",
                out::safe(&row.provider),
                out::safe(&row.url)
            );
            ask::hidden(&prompt)?
        }
        false => piped()?,
    };
    let typed = typed.expose("to look whether it can be one");
    checked(typed).map_err(|no| {
        no.hint(format!(
            "thymos auth set {}, or from a pipe: printf %s \"$KEY\" | thymos auth set {}",
            row.provider, row.provider
        ))
    })
}

fn piped() -> Result<Secret<String>, AppError> {
    let mut bytes = Vec::new();
    // A line end behind the longest is fine; anything longer is none.
    let read = std::io::stdin()
        .lock()
        .take(KEY_BYTES_MAX as u64 + 3)
        .read_to_end(&mut bytes);
    read.map_err(|error| {
        AppError::new(ErrorKind::User, format!("the key cannot be read: {error}"))
            .hint("give it on standard input")
    })?;
    // What is no text is told by its place, as what is no plain character.
    Ok(Secret::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Keeps it, and says where.
pub(super) fn keep(
    setting: &Setting<'_>,
    row: &KeyRow,
    key: &Secret<String>,
) -> Result<(), AppError> {
    let paths = &setting.config.paths;
    let replaced = ProviderKeys::put(paths, &row.provider, &row.url, key)?;
    let how = if replaced { "replaced" } else { "kept" };
    let (name, url) = (out::safe(&row.provider), out::safe(&row.url));
    let file = paths.provider_keys();
    out::talk(&format!(
        "thymos: the key of `{name}` is {how} for {url}, in {}",
        file.display()
    ));
    if let KeySource::Variable(variable) = &row.source {
        out::talk(&format!(
            "thymos: {variable} is set in this environment and goes before it"
        ));
    }
    Ok(())
}

fn remove(setting: &Setting<'_>, provider: &str) -> Result<u8, AppError> {
    if ProviderKeys::remove(&setting.config.paths, provider)? {
        return Ok(0);
    }
    let shown: String = provider.chars().take(80).collect();
    let message = format!("no key is kept for `{shown}`");
    Err(AppError::new(ErrorKind::User, message).hint("`thymos auth ls` shows where keys come from"))
}
