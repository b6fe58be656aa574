//! Turns what went wrong into a kind, one plain sentence, a hint, and whether trying again is safe.
//!
//! Opens no connection; the sentences name the provider entry and never a key.

use serde_json::Value;
use thymos_ports::cognition::{ModelFault, ModelFaultKind, TokenUsage};

use crate::limits::WORDS_CHARS_MAX;

#[cfg(test)]
mod tests;

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    /// After the backoff, or after what the provider asked for in milliseconds.
    After(Option<u64>),
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) kind: ModelFaultKind,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) retry: Retry,
}

impl Broken {
    pub(crate) fn new(kind: ModelFaultKind, message: String, hint: &str) -> Self {
        let retry = match kind {
            ModelFaultKind::RateLimited
            | ModelFaultKind::Overloaded
            | ModelFaultKind::Cut
            | ModelFaultKind::NoRoute => Retry::After(None),
            ModelFaultKind::Auth
            | ModelFaultKind::NotFound
            | ModelFaultKind::BadRequest
            | ModelFaultKind::ContextTooLong
            | ModelFaultKind::Malformed
            | ModelFaultKind::Timeout
            | ModelFaultKind::Cancelled => Retry::Never,
        };
        Self {
            kind,
            message,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            retry,
        }
    }

    pub(crate) fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    pub(crate) fn into_fault(self, usage: TokenUsage) -> ModelFault {
        ModelFault {
            kind: self.kind,
            message: self.message,
            hint: self.hint,
            usage,
        }
    }
}

pub(crate) fn cancelled() -> Broken {
    Broken::new(
        ModelFaultKind::Cancelled,
        "the model was stopped on request".to_owned(),
        "",
    )
}

pub(crate) fn cut(provider: &str) -> Broken {
    Broken::new(
        ModelFaultKind::Cut,
        format!("`{provider}` broke off in the middle of its answer"),
        "try again; what it had said so far was dropped",
    )
}

pub(crate) fn malformed(provider: &str, what: &str) -> Broken {
    Broken::new(
        ModelFaultKind::Malformed,
        format!("`{provider}` answered in a way its protocol does not know: {what}"),
        "check that the provider's `kind` and `base_url` belong together",
    )
}

pub(crate) fn silent(provider: &str, ms: u64) -> Broken {
    Broken::new(
        ModelFaultKind::Timeout,
        format!("`{provider}` said nothing for {} s", ms.div_ceil(1000)),
        "try again, or raise `request_timeout_ms` for a slow local model",
    )
}

/// A response whose status is not 2xx, or an error found in a 2xx response.
pub(crate) struct Refusal<'a> {
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    /// The status; none for an error inside a stream.
    pub(crate) status: Option<u16>,
    /// What the provider said, scrubbed.
    pub(crate) said: Said,
    /// What it asked for, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
}

/// A provider's own words about an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Machine word, such as `overloaded_error`.
    pub(crate) code: String,
    /// Words for people.
    pub(crate) words: String,
    /// A status repeated in the body.
    pub(crate) status: Option<u16>,
}

impl Said {
    /// Reads an error body of any known shape; none when the value is no error.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        let error = match value.get("error") {
            // `"error": null` stands in good chunks of some servers.
            None | Some(Value::Null) => return None,
            Some(error) => error,
        };
        Some(Self::inner(error))
    }

    /// As [`Said::of`], for a body that is an error by its status.
    pub(crate) fn of_body(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(Value::Array(items)) => items.first().map(Self::of_failed).unwrap_or_default(),
            Ok(value) => Self::of_failed(&value),
            // Pages of a proxy are not worth showing.
            Err(_) if body.trim_start().starts_with('<') => Self::default(),
            Err(_) => Self {
                words: plain(body),
                ..Self::default()
            },
        }
    }

    fn of_failed(value: &Value) -> Self {
        Self::of(value).unwrap_or_else(|| Self::inner(value))
    }

    fn inner(error: &Value) -> Self {
        if let Value::String(words) = error {
            return Self {
                words: plain(words),
                ..Self::default()
            };
        }
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let codes = [text("type"), text("code"), text("status")];
        let number = error.get("code").and_then(Value::as_u64);
        Self {
            code: codes.join(" ").trim().to_ascii_lowercase(),
            words: [text("message"), text("detail")]
                .into_iter()
                .find(|words| !words.is_empty())
                .map(plain)
                .unwrap_or_default(),
            status: number.and_then(|code| u16::try_from(code).ok()),
        }
    }

    fn has(&self, needles: &[&str]) -> bool {
        let words = self.words.to_lowercase();
        needles
            .iter()
            .any(|needle| self.code.contains(needle) || words.contains(needle))
    }
}

/// One line without control characters, cut to a length.
pub(crate) fn plain(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    if line.chars().count() <= WORDS_CHARS_MAX {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(WORDS_CHARS_MAX).collect();
    cut.push('…');
    cut
}

const TOO_LONG: &[&str] = &[
    "context_length",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "too many tokens",
    "maximum context",
    "request_too_large",
    "exceed_context",
];

const NO_CREDIT: &[&str] = &["insufficient_quota", "billing", "credit balance", "payment"];

impl Refusal<'_> {
    /// The kind comes from the status, from the machine word where there is no status, and from
    /// the words for the two cases that providers hide behind a 400 or a 429.
    pub(crate) fn classify(&self) -> Broken {
        let status = match self.status {
            Some(200..=299) | None => self.said.status.unwrap_or_else(|| self.status_by_code()),
            Some(status) => status,
        };
        match status {
            300..=399 => self.redirected(status),
            401 | 403 => self.auth(status),
            404 => self.not_found(),
            408 => self.overload(ModelFaultKind::Timeout, "gave up waiting", status),
            402 => self.no_credit(status),
            413 => self.too_long(),
            429 if self.said.has(NO_CREDIT) => self.no_credit(status),
            429 => self.overload(ModelFaultKind::RateLimited, "wants fewer requests", status),
            500..=599 => self.overload(
                ModelFaultKind::Overloaded,
                "is overloaded or broken",
                status,
            ),
            _ if self.said.has(TOO_LONG) => self.too_long(),
            _ if self.said.has(NO_CREDIT) => self.no_credit(status),
            _ => Broken::new(
                ModelFaultKind::BadRequest,
                format!(
                    "`{}` refused the request ({status}){}",
                    self.provider,
                    self.words()
                ),
                "check the model name and the provider's `kind`",
            ),
        }
    }

    fn status_by_code(&self) -> u16 {
        const CODES: &[(&str, u16)] = &[
            ("overloaded", 529),
            ("rate_limit", 429),
            ("insufficient_quota", 429),
            ("authentication", 401),
            ("invalid_api_key", 401),
            ("permission", 403),
            ("not_found", 404),
            ("request_too_large", 413),
            ("invalid_request", 400),
            ("context_length", 400),
            ("timeout", 408),
            ("api_error", 500),
            ("server_error", 500),
            ("internal", 500),
            ("unavailable", 503),
        ];
        CODES
            .iter()
            .find_map(|(code, status)| self.said.code.contains(code).then_some(*status))
            .unwrap_or(400)
    }

    fn words(&self) -> String {
        if self.said.words.is_empty() {
            return String::new();
        }
        format!(": {}", self.said.words)
    }

    fn redirected(&self, status: u16) -> Broken {
        Broken::new(
            ModelFaultKind::NotFound,
            format!(
                "`{}` answered with a redirect ({status}), which is not followed with a key in hand",
                self.provider
            ),
            "set `base_url` to the final address",
        )
    }

    // Without the provider's words: some repeat parts of the key there.
    fn auth(&self, status: u16) -> Broken {
        Broken::new(
            ModelFaultKind::Auth,
            format!("`{}` refused the key ({status})", self.provider),
            "check the key of this provider, and that it may use this model",
        )
    }

    fn not_found(&self) -> Broken {
        Broken::new(
            ModelFaultKind::NotFound,
            format!(
                "`{}` does not know model `{}` or has nothing at this address (404){}",
                self.provider,
                self.model,
                self.words()
            ),
            "check `model` and `base_url`; `thymos doctor` lists the models it offers",
        )
    }

    fn no_credit(&self, status: u16) -> Broken {
        Broken::new(
            ModelFaultKind::RateLimited,
            format!(
                "the account at `{}` has no credit left ({status})",
                self.provider
            ),
            "add credit there, or choose another model",
        )
        .with_retry(Retry::Never)
    }

    fn too_long(&self) -> Broken {
        Broken::new(
            ModelFaultKind::ContextTooLong,
            format!("the conversation is too long for model `{}`", self.model),
            "start a new run, or choose a model with a larger context",
        )
    }

    fn overload(&self, kind: ModelFaultKind, what: &str, status: u16) -> Broken {
        let hint = match self.retry_after_ms {
            Some(ms) => format!("it asks to wait {} s", ms.div_ceil(1000)),
            None => "try again in a minute, or choose another model".to_owned(),
        };
        Broken::new(
            kind,
            format!("`{}` {what} ({status}){}", self.provider, self.words()),
            &hint,
        )
        .with_retry(Retry::After(self.retry_after_ms))
    }
}
