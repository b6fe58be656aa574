//! Where a model is reached: addresses and headers, checked once. Opens no connection.

use std::fmt;

use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use thymos_core::secret::Secret;
use url::{Host, Url};

use crate::spec::{AdapterKind, ModelSpec};

#[cfg(test)]
mod tests;

/// Why a spec cannot be connected. Its text never holds a key or a header's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Not an address.
    #[error("base URL of provider `{provider}` is not an address: {why}")]
    NotAnAddress {
        /// The provider entry.
        provider: String,
        /// The parser's words.
        why: String,
    },
    /// No `http://` or `https://` in front.
    #[error("base URL of provider `{provider}` does not start with `https://` or `http://`")]
    Scheme {
        /// The provider entry.
        provider: String,
    },
    /// A user or password inside.
    #[error("base URL of provider `{provider}` has a name or password in it")]
    Credentials {
        /// The provider entry.
        provider: String,
    },
    /// An empty key.
    #[error("key of provider `{provider}` is empty")]
    KeyEmpty {
        /// The provider entry.
        provider: String,
    },
    /// A key with a line break or another character no header takes.
    #[error("key of provider `{provider}` has a line break or another character no key has")]
    KeyCharacters {
        /// The provider entry.
        provider: String,
    },
    /// A header that cannot be sent.
    #[error("header `{name}` of provider `{provider}` cannot be sent")]
    Header {
        /// The provider entry.
        provider: String,
        /// The header's name.
        name: String,
    },
    /// No model name.
    #[error("provider `{provider}` has no model name")]
    ModelEmpty {
        /// The provider entry.
        provider: String,
    },
    /// A proxy that is not an address.
    #[error("proxy of provider `{provider}` is not an address")]
    Proxy {
        /// The provider entry.
        provider: String,
    },
    /// The TLS part could not be set up.
    #[error("no secure connections on this machine: {why}")]
    Tls {
        /// The library's words.
        why: String,
    },
    /// A script could not be read.
    #[error("script `{path}` cannot be read: {why}")]
    ScriptUnreadable {
        /// Its path.
        path: String,
        /// The system's words.
        why: String,
    },
    /// A script has a bad line.
    #[error("script `{path}` {fault}")]
    Script {
        /// Its path.
        path: String,
        /// The line and what is wrong with it.
        fault: crate::scripted::ScriptError,
    },
}

impl ConnectError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAnAddress { .. } | Self::Scheme { .. } => {
                "write it like `https://api.example.com/v1`"
            }
            Self::Credentials { .. } => "put the key into the key source of that provider",
            Self::KeyEmpty { .. } => "set the key, or remove the key source if none is needed",
            Self::KeyCharacters { .. } => "copy the key again, in one line",
            Self::Header { .. } => "use letters, digits and `-` in names and one line in values",
            Self::ModelEmpty { .. } => "set `model` for it, or pass `--model`",
            Self::Proxy { .. } => "write it like `http://proxy.example.com:3128`",
            Self::Tls { .. } => "install the package `ca-certificates`",
            Self::ScriptUnreadable { .. } => "check its path",
            Self::Script { .. } => "each line is one JSON object with `text` and `calls`",
        };
        Some(hint.to_owned())
    }
}

/// Checked addresses and headers of one provider.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) propose: Url,
    pub(crate) models: Url,
    pub(crate) headers: HeaderMap,
    /// Secrets that must not appear in any text, whoever wrote it.
    secrets: Vec<Secret<String>>,
}

impl Endpoint {
    pub(crate) fn new(spec: &ModelSpec) -> Result<Self, ConnectError> {
        let provider = || spec.provider.clone();
        let base = parse_base(&spec.base_url, &spec.provider)?;
        if spec.model.trim().is_empty() {
            return Err(ConnectError::ModelEmpty {
                provider: provider(),
            });
        }
        let (propose, models) = match spec.kind {
            AdapterKind::Anthropic => (
                with_path(&base, &messages_path(base.path())),
                with_path(&base, &root_path(base.path(), "/messages", "/models")),
            ),
            AdapterKind::OpenAi | AdapterKind::Practice | AdapterKind::Scripted => (
                with_path(&base, &completions_path(base.path())),
                with_path(
                    &base,
                    &root_path(base.path(), "/chat/completions", "/models"),
                ),
            ),
        };
        let mut secrets: Vec<Secret<String>> = spec.key.iter().cloned().collect();
        secrets.extend(spec.headers.iter().map(|(_, value)| value.clone()));
        secrets.retain(|secret| secret.expose("to skip trivial ones").len() >= SECRET_BYTES_MIN);
        Ok(Self {
            propose,
            models,
            headers: headers(spec)?,
            secrets,
        })
    }

    /// The host, for messages: no path, no query, no port.
    pub(crate) fn host(&self) -> &str {
        self.propose.host_str().unwrap_or_default()
    }

    /// Whether the address is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.propose.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Takes secrets out of a text that came from outside.
    pub(crate) fn scrub(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose("to find it and take it out").trim(), "••••")
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// Shorter header values (`1`, `true`) are no secrets, and taking them out would garble messages.
const SECRET_BYTES_MIN: usize = 6;

fn parse_base(text: &str, provider: &str) -> Result<Url, ConnectError> {
    let provider = provider.to_owned();
    let lower = text.trim().to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        return Err(ConnectError::Scheme { provider });
    }
    let mut base = match Url::parse(text.trim()) {
        Ok(base) => base,
        Err(e) => {
            let why = e.to_string();
            return Err(ConnectError::NotAnAddress { provider, why });
        }
    };
    if !base.username().is_empty() || base.password().is_some() {
        return Err(ConnectError::Credentials { provider });
    }
    base.set_fragment(None);
    Ok(base)
}

fn with_path(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url
}

fn completions_path(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/chat/completions") {
        base.to_owned()
    } else if base.is_empty() {
        "/v1/chat/completions".to_owned()
    } else {
        format!("{base}/chat/completions")
    }
}

fn messages_path(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/messages") {
        base.to_owned()
    } else if base.ends_with("/v1") {
        format!("{base}/messages")
    } else {
        format!("{base}/v1/messages")
    }
}

/// The sibling of a call's path: `/v1/messages` and `/v1` both have `/v1/models`.
fn root_path(base: &str, call: &str, sibling: &str) -> String {
    let called = if call == "/messages" {
        messages_path(base)
    } else {
        completions_path(base)
    };
    let root = called.strip_suffix(call).unwrap_or_default();
    format!("{root}{sibling}")
}

fn headers(spec: &ModelSpec) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("thymos/", env!("CARGO_PKG_VERSION"))),
    );
    if spec.kind == AdapterKind::Anthropic {
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static("2023-06-01"),
        );
    }
    if let Some(key) = &spec.key {
        let (name, value) = key_header(spec, key)?;
        headers.insert(name, value);
    }
    for (name, value) in &spec.headers {
        let refused = || ConnectError::Header {
            provider: spec.provider.clone(),
            name: name.clone(),
        };
        // Parsed names are lower-case, so a config's `X-Api-Key` replaces ours and is not doubled.
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut sent =
            HeaderValue::from_str(value.expose("sent as a header")).map_err(|_| refused())?;
        sent.set_sensitive(true);
        headers.insert(parsed, sent);
    }
    Ok(headers)
}

fn key_header(
    spec: &ModelSpec,
    key: &Secret<String>,
) -> Result<(HeaderName, HeaderValue), ConnectError> {
    let key = key.expose("sent to the URL it belongs to");
    let provider = spec.provider.clone();
    if key.trim().is_empty() {
        return Err(ConnectError::KeyEmpty { provider });
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConnectError::KeyCharacters { provider });
    }
    let (name, text) = match spec.kind {
        AdapterKind::Anthropic => (HeaderName::from_static("x-api-key"), key.clone()),
        AdapterKind::OpenAi | AdapterKind::Practice | AdapterKind::Scripted => {
            (AUTHORIZATION, format!("Bearer {key}"))
        }
    };
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| ConnectError::KeyCharacters { provider })?;
    value.set_sensitive(true);
    Ok((name, value))
}
