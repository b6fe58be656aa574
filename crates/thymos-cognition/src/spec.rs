//! What the app says about a model: the entry of a provider, resolved. Connects to nothing.

use std::fmt;
use std::sync::Arc;

use thymos_core::secret::Secret;
use thymos_ports::{Clock, Entropy};

use crate::limits;
use crate::presets::Preset;
use crate::prices::Prices;

/// Which protocol, or which offline model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdapterKind {
    /// Anthropic Messages.
    Anthropic,
    /// Chat Completions, by whoever serves them.
    OpenAi,
    /// The offline practice model.
    Practice,
    /// A JSON-lines file of turns; `base_url` is its path.
    Scripted,
}

impl AdapterKind {
    /// Every kind, as a config may name it.
    pub const NAMES: &[(&str, Self)] = &[
        ("anthropic", Self::Anthropic),
        ("openai", Self::OpenAi),
        ("practice", Self::Practice),
        ("scripted", Self::Scripted),
    ];

    /// Reads the name used in a config.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find_map(|(known, kind)| (*known == name).then_some(*kind))
    }
}

/// Everything needed to reach one model. A key belongs to the URL it stands beside.
#[derive(Clone)]
pub struct ModelSpec {
    /// The provider entry's name, for messages and for the record.
    pub provider: String,
    /// The protocol.
    pub kind: AdapterKind,
    /// Where; with or without a trailing slash, with or without `/v1`. For a script: its path.
    pub base_url: String,
    /// The model's name, sent verbatim.
    pub model: String,
    /// The key; none for servers that need none.
    pub key: Option<Secret<String>>,
    /// More headers. They replace the adapter's own of the same name.
    pub headers: Vec<(String, Secret<String>)>,
    /// Overrides the table.
    pub context_tokens: Option<u64>,
    /// Overrides the table.
    pub prices: Option<Prices>,
    /// Longest silence; see [`limits::SILENCE_MS_MAX`].
    pub request_timeout_ms: u64,
    /// A proxy for hosts other than this machine; none is looked for in the environment.
    pub proxy: Option<Secret<String>>,
    /// How often and how long to try.
    pub retry: RetryOptions,
}

/// How often and how long to try one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// Attempts, the first included.
    pub attempts_max: u32,
    /// First wait of the backoff.
    pub backoff_ms: u64,
    /// All waits together.
    pub wait_ms_max: u64,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts_max: limits::ATTEMPTS_MAX,
            backoff_ms: limits::BACKOFF_MS,
            wait_ms_max: limits::WAIT_MS_MAX,
        }
    }
}

/// Time and chance.
#[derive(Clone)]
pub struct Services {
    /// Reads `retry-after` dates against it.
    pub clock: Arc<dyn Clock>,
    /// Jitters the backoff.
    pub entropy: Arc<dyn Entropy>,
}

impl ModelSpec {
    /// A model at an address, without key and with the usual limits.
    #[must_use]
    pub fn new(provider: &str, kind: AdapterKind, base_url: &str, model: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            kind,
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            key: None,
            headers: Vec::new(),
            context_tokens: None,
            prices: None,
            request_timeout_ms: limits::SILENCE_MS_MAX,
            proxy: None,
            retry: RetryOptions::default(),
        }
    }

    /// A model of a preset provider.
    #[must_use]
    pub fn of_preset(preset: &Preset, model: &str, key: Option<Secret<String>>) -> Self {
        Self {
            key,
            ..Self::new(preset.name, preset.kind, preset.base_url, model)
        }
    }

    /// The offline practice model.
    #[must_use]
    pub fn practice() -> Self {
        Self::new("practice", AdapterKind::Practice, "", "practice")
    }
}

/// Names, never values: a base URL may hold a token, a header usually is one.
impl fmt::Debug for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&String> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("ModelSpec")
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("model", &self.model)
            .field("key", &self.key)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
