//! Models by name: config's providers over the presets, keys from the environment, a file, or what is kept.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use thymos_cognition::{
    AdapterKind, ConnectError, ModelSpec, PRESETS, Preset, Prices, Services, connect, preset,
};
use thymos_core::secret::Secret;
use thymos_ports::Cognition;
use thymos_ports::cognition::{ModelFault, ModelFaultKind, TokenUsage};
use thymos_protocol::ModelRow;
use thymos_runtime::ModelSource;

use super::provider_keys::{Found, ProviderKeys};
use crate::config::raw::RawPrices;
use crate::config::{Config, Env, ProviderConfig, is_telling, paths};
use crate::error::{AppError, ErrorKind};
use crate::near::nearest;
use crate::system::{OsEntropy, SystemClock};

/// The offline model's name.
pub(super) const PRACTICE: &str = "practice";

pub(super) struct Models {
    env: Env,
    providers: Vec<ProviderConfig>,
    /// What `thymos auth` keeps, or why that cannot be read: told to whoever needs a key of it.
    kept: Result<ProviderKeys, AppError>,
    default: String,
    /// Connected ones: a client keeps its connections, so it is made once a model.
    connected: Mutex<HashMap<String, Arc<dyn Cognition>>>,
}

/// `[R1]` What the operator's providers are spoken to with, whatever its variables and files are called: the
/// redactor looks for it. What cannot be read is told when it is used.
pub(super) fn secrets(env: &Env, config: &Config) -> Vec<Secret<String>> {
    let telling = |name: &str| {
        let name = name.to_lowercase();
        is_telling(&name) || name.contains("auth") || name.contains("cookie")
    };
    let kept = ProviderKeys::read(&config.paths);
    let mut found: Vec<_> = kept.iter().flat_map(ProviderKeys::secrets).collect();
    for own in &config.providers {
        found.extend(own.key_env.as_deref().and_then(|name| env.secret(name)));
        let file = own
            .key_file
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        found.extend(file.map(Secret::new));
        let headers = own.headers.iter().filter(|(name, _)| telling(name));
        for (_, value) in headers {
            found.push(value.clone());
            // `Bearer` and the like stand before what is secret of it.
            let text = value.expose("to look for the part of it that is secret");
            found.extend(
                text.split_once(' ')
                    .map(|(_, rest)| Secret::new(rest.to_owned())),
            );
        }
    }
    found
}

impl Models {
    pub(super) fn new(env: Env, config: &Config) -> Result<Self, AppError> {
        for provider in &config.providers {
            check_kind(config, provider)?;
        }
        let kept = ProviderKeys::read(&config.paths);
        let default = default_model(&env, config, kept.as_ref().ok());
        let models = Self {
            env,
            kept,
            providers: config.providers.clone(),
            default,
            connected: Mutex::new(HashMap::new()),
        };
        // A model that was asked for by name must be there; the automatic choice always is.
        if config.model.value.is_some() {
            models.spec(&models.default).map_err(|fault| {
                let error = AppError::new(ErrorKind::Config, fault.message);
                match fault.hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            })?;
        }
        Ok(models)
    }

    /// The model used when nothing else is asked for.
    pub(super) fn default_name(&self) -> &str {
        &self.default
    }

    /// What connecting to `name` takes.
    pub(super) fn spec(&self, name: &str) -> Result<ModelSpec, ModelFault> {
        let (provider, model) = match name.split_once('/') {
            Some((provider, model)) => (provider, Some(model)),
            None => (name, None),
        };
        if let Some(own) = self.providers.iter().find(|own| own.name == provider) {
            return self.own(own, model);
        }
        if provider == PRACTICE {
            return Ok(ModelSpec::practice());
        }
        let Some(preset) = preset(provider) else {
            return Err(fault(
                ModelFaultKind::NotFound,
                format!("there is no provider `{provider}`"),
                near_providers(&self.providers, provider),
            ));
        };
        let Some(model) = model.or(preset.model) else {
            return Err(fault(
                ModelFaultKind::NotFound,
                format!("provider `{provider}` has no default model"),
                format!("write `{provider}/MODEL`"),
            ));
        };
        let key = match preset.key_env {
            None => None,
            Some(variable) => Some(self.needed(provider, preset.base_url, variable)?),
        };
        Ok(ModelSpec::of_preset(preset, model, key))
    }

    fn own(&self, own: &ProviderConfig, model: Option<&str>) -> Result<ModelSpec, ModelFault> {
        let known = preset(&own.name);
        let kind = match &own.kind {
            Some(kind) => AdapterKind::parse(kind),
            None => known.map(|preset| preset.kind),
        };
        let kind = kind.unwrap_or(AdapterKind::OpenAi);
        let url = own
            .base_url
            .clone()
            .or_else(|| known.map(|p| p.base_url.to_owned()));
        let needs_url = !matches!(kind, AdapterKind::Practice);
        let base_url = match url {
            Some(url) => url,
            None if needs_url => {
                return Err(fault(
                    ModelFaultKind::NotFound,
                    format!("provider `{}` has no base_url", own.name),
                    "add `base_url = \"http://...\"` to it".into(),
                ));
            }
            None => String::new(),
        };
        let named = model.map(ToOwned::to_owned).or_else(|| own.model.clone());
        let named = named.or_else(|| known.and_then(|p| p.model).map(ToOwned::to_owned));
        let takes_model = matches!(kind, AdapterKind::Anthropic | AdapterKind::OpenAi);
        let Some(model) = named.or_else(|| (!takes_model).then(String::new)) else {
            return Err(fault(
                ModelFaultKind::NotFound,
                format!("provider `{}` has no model", own.name),
                "add `model = \"...\"` to it".into(),
            ));
        };
        let mut spec = ModelSpec::new(&own.name, kind, &base_url, &model);
        spec.key = self.key(own, known.and_then(|p| p.key_env))?;
        spec.headers.clone_from(&own.headers);
        spec.context_tokens = own.context_tokens.or(spec.context_tokens);
        spec.request_timeout_ms = own.timeout_ms.unwrap_or(spec.request_timeout_ms);
        // Another model of the same provider costs something else.
        let this = own.model.as_ref().is_none_or(|named| *named == spec.model);
        spec.prices = own.prices.filter(|_| this).map(prices).or(spec.prices);
        Ok(spec)
    }

    fn key(
        &self,
        own: &ProviderConfig,
        usual: Option<&'static str>,
    ) -> Result<Option<Secret<String>>, ModelFault> {
        if let Some(file) = &own.key_file {
            let shown = file.display();
            if paths::is_exposed(file) {
                let message = format!("key file `{shown}` can be read by others than you");
                return Err(fault(
                    ModelFaultKind::Auth,
                    message,
                    format!("chmod 600 {shown}"),
                ));
            }
            let text = fs::read_to_string(file).map_err(|e| {
                let message = format!("key file `{shown}` cannot be read: {e}");
                fault(
                    ModelFaultKind::Auth,
                    message,
                    "check `key_file` in the config".into(),
                )
            })?;
            return Ok(Some(Secret::new(text.trim().to_owned())));
        }
        let (name, url) = (own.name.as_str(), own.base_url.as_deref());
        let usual_url = || preset(name).map_or("", |preset| preset.base_url);
        if let Some(variable) = &own.key_env {
            return self
                .needed(name, url.unwrap_or_else(usual_url), variable)
                .map(Some);
        }
        // A preset's key belongs to the preset's URL: with another URL it is neither sent nor missed.
        match (url, usual) {
            (None, Some(variable)) => self.needed(name, usual_url(), variable).map(Some),
            (url, _) => match self.kept_for(name, url.unwrap_or_else(usual_url))? {
                Found::Key(key) => Ok(Some(key)),
                Found::Nothing | Found::Elsewhere(_) => Ok(None),
            },
        }
    }

    /// The key that a provider does not work without: of the environment, or else the kept one.
    fn needed(
        &self,
        provider: &str,
        url: &str,
        variable: &str,
    ) -> Result<Secret<String>, ModelFault> {
        if let Some(key) = self.env.secret(variable) {
            return Ok(key);
        }
        match self.kept_for(provider, url)? {
            Found::Key(key) => Ok(key),
            Found::Nothing => Err(missing_key(provider, variable)),
            Found::Elsewhere(other) => Err(fault(
                ModelFaultKind::Auth,
                format!(
                    "the key that is kept for `{provider}` was given for {other}, and is not sent to {url}"
                ),
                format!("thymos auth set {provider}"),
            )),
        }
    }

    fn kept_for(&self, provider: &str, url: &str) -> Result<Found, ModelFault> {
        match &self.kept {
            Ok(kept) => Ok(kept.find(provider, url)),
            Err(error) => Err(fault(
                ModelFaultKind::Auth,
                error.message.clone(),
                error.hints.join("; "),
            )),
        }
    }

    fn key_status(&self, provider: &str) -> String {
        match self.spec(provider) {
            Err(fault) if fault.kind == ModelFaultKind::Auth => "key missing".into(),
            Err(fault) => fault.message,
            Ok(spec) if spec.key.is_some() => "key set".into(),
            Ok(_) => "no key needed".into(),
        }
    }
}

impl ModelSource for Models {
    fn connect(&self, name: Option<&str>) -> Result<Arc<dyn Cognition>, ModelFault> {
        let name = name.unwrap_or(&self.default);
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = connected.get(name) {
            return Ok(model.clone());
        }
        let model = connect(self.spec(name)?, services()).map_err(|e| from_connect(&e))?;
        connected.insert(name.to_owned(), model.clone());
        Ok(model)
    }

    fn usable(&self) -> Vec<String> {
        let names = self.list().into_iter().map(|row| row.name);
        names.filter(|name| self.spec(name).is_ok()).collect()
    }

    fn list(&self) -> Vec<ModelRow> {
        let own = self.providers.iter().map(|provider| provider.name.clone());
        let presets = PRESETS
            .iter()
            .filter(|preset| has_key(&self.env, self.kept.as_ref().ok(), preset))
            .map(|preset| preset.name.to_owned());
        let mut names: Vec<String> = own.chain(presets).chain([PRACTICE.to_owned()]).collect();
        names.push(self.default.clone());
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
            .into_iter()
            .map(|name| ModelRow {
                key: self.key_status(&name),
                current: name == self.default,
                name,
            })
            .collect()
    }
}

/// Where the key of a provider comes from.
pub(crate) enum KeySource {
    /// This variable, which is set.
    Variable(String),
    /// This file, which the config names.
    File(PathBuf),
    /// `thymos auth` keeps it.
    Kept,
    /// One is kept that was given for this other address.
    Elsewhere(String),
    /// It needs one and has none; this variable would be looked for.
    Missing(String),
    /// It works without.
    NotNeeded,
}

/// A provider, and how it stands with its key. No key is in it.
pub(crate) struct KeyRow {
    /// Its name.
    pub(crate) provider: String,
    /// Where it listens; empty for the offline model and scripts.
    pub(crate) url: String,
    /// Where its key comes from.
    pub(crate) source: KeySource,
}

/// Every provider of the config and every preset that needs a key.
///
/// # Errors
/// As [`ProviderKeys::read`].
pub(crate) fn key_rows(env: &Env, config: &Config) -> Result<Vec<KeyRow>, AppError> {
    let kept = ProviderKeys::read(&config.paths)?;
    let own = config.providers.iter().map(|own| {
        let known = preset(&own.name);
        let url = own.base_url.as_deref().or(known.map(|one| one.base_url));
        // A preset's variable belongs to the preset's address.
        let usual = known
            .and_then(|one| one.key_env)
            .filter(|_| own.base_url.is_none());
        let variable = own.key_env.as_deref().or(usual);
        let source = match &own.key_file {
            Some(file) => KeySource::File(file.clone()),
            None => source(env, &kept, (&own.name, url.unwrap_or_default()), variable),
        };
        KeyRow {
            provider: own.name.clone(),
            url: url.unwrap_or_default().to_owned(),
            source,
        }
    });
    let mut rows: Vec<KeyRow> = own.collect();
    for one in PRESETS.iter().filter(|one| one.key_env.is_some()) {
        if rows.iter().all(|row| row.provider != one.name) {
            rows.push(KeyRow {
                provider: one.name.to_owned(),
                url: one.base_url.to_owned(),
                source: source(env, &kept, (one.name, one.base_url), one.key_env),
            });
        }
    }
    Ok(rows)
}

fn source(
    env: &Env,
    kept: &ProviderKeys,
    (provider, url): (&str, &str),
    variable: Option<&str>,
) -> KeySource {
    match (variable, kept.find(provider, url)) {
        (Some(name), _) if env.get(name).is_some() => KeySource::Variable(name.to_owned()),
        (_, Found::Key(_)) => KeySource::Kept,
        (_, Found::Elsewhere(other)) => KeySource::Elsewhere(other),
        (Some(name), Found::Nothing) => KeySource::Missing(name.to_owned()),
        (None, Found::Nothing) => KeySource::NotNeeded,
    }
}

/// The model that a session begins with.
///
/// # Errors
/// As a session would say it: a provider that is not there, or has no key.
pub(crate) fn chosen(env: &Env, config: &Config) -> Result<String, AppError> {
    let kept = ProviderKeys::read(&config.paths)?;
    Ok(default_model(env, config, Some(&kept)))
}

/// Whether a name is that of a provider which has no model to begin with.
pub(crate) fn needs_model(config: &Config, name: &str) -> bool {
    let own = config.providers.iter().find(|own| own.name == name);
    let usual = preset(name).and_then(|known| known.model);
    match own {
        Some(own) => own.model.is_none() && usual.is_none(),
        None => usual.is_none() && preset(name).is_some(),
    }
}

/// Whether it is a provider known by name that works on this machine.
pub(crate) fn works_without_key(name: &str) -> bool {
    name == PRACTICE || preset(name).is_some_and(Preset::is_local)
}

/// Names near to one that no provider has, or all of them.
pub(crate) fn near_providers(own: &[ProviderConfig], name: &str) -> String {
    let own = own.iter().map(|own| own.name.as_str());
    let mut known: Vec<&str> = own.collect();
    known.extend(PRESETS.iter().map(|preset| preset.name));
    known.push(PRACTICE);
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

pub(super) fn services() -> Services {
    Services {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    }
}

/// What config, or else the keys at hand, choose; without any key the offline model.
fn default_model(env: &Env, config: &Config, kept: Option<&ProviderKeys>) -> String {
    if let Some(name) = &config.model.value {
        return name.clone();
    }
    if let Some(first) = config.providers.first() {
        return first.name.clone();
    }
    PRESETS
        .iter()
        .filter(|preset| preset.model.is_some())
        .find(|preset| has_key(env, kept, preset))
        .map_or(PRACTICE, |preset| preset.name)
        .to_owned()
}

/// Whether a preset needs a key and one is at hand.
fn has_key(env: &Env, kept: Option<&ProviderKeys>, preset: &Preset) -> bool {
    let kept = || kept.map(|keys| keys.find(preset.name, preset.base_url));
    preset.key_env.is_some_and(|variable| {
        env.get(variable).is_some() || matches!(kept(), Some(Found::Key(_)))
    })
}

fn check_kind(config: &Config, provider: &ProviderConfig) -> Result<(), AppError> {
    let Some(kind) = &provider.kind else {
        return Ok(());
    };
    if AdapterKind::parse(kind).is_some() {
        return Ok(());
    }
    let message = format!(
        "config `{}` line {}: provider `{}` has the unknown kind `{kind}`",
        config.file.display(),
        provider.line,
        provider.name
    );
    Err(AppError::new(ErrorKind::Config, message)
        .hint("use anthropic, openai, practice or scripted"))
}

fn missing_key(provider: &str, variable: &str) -> ModelFault {
    fault(
        ModelFaultKind::Auth,
        format!("no key for provider `{provider}`: `{variable}` is not set"),
        format!(
            "thymos auth set {provider}, or export {variable}=...; `--model practice` needs none"
        ),
    )
}

fn from_connect(error: &ConnectError) -> ModelFault {
    let hint = error
        .hint()
        .unwrap_or_else(|| "check the provider in the config".into());
    fault(ModelFaultKind::BadRequest, error.to_string(), hint)
}

/// From cents as a config has them to thousandths of one.
fn prices(given: RawPrices) -> Prices {
    let millicents = |cents: u64| cents.saturating_mul(1_000);
    Prices {
        input: millicents(given.input),
        output: millicents(given.output),
        cached: millicents(given.cached.unwrap_or(given.input)),
        cache_written: millicents(given.cache_written.unwrap_or(given.input)),
    }
}

fn fault(kind: ModelFaultKind, message: String, hint: String) -> ModelFault {
    ModelFault {
        kind,
        message,
        hint: Some(hint),
        usage: TokenUsage::default(),
    }
}

#[cfg(test)]
mod tests;
