//! `[approvals]`: what every approval takes beyond what the rules say `[A8]`. Every key tightens; a value that
//! would loosen is an error.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thymos_core::verdict::Tightening;
use toml::Spanned;

use super::raw::ReadFile;
use super::resolve::Source;
use crate::error::{AppError, ErrorKind};

/// The longest `expires_in`: a hundred years.
const EXPIRES_MS_MAX: u64 = 36_500 * 24 * 60 * 60 * 1_000;

/// The table, word for word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawApprovals {
    /// All of a card must have been on screen.
    pub view_gate: Option<Spanned<bool>>,
    /// The end of the proposal's id is typed.
    pub type_back: Option<Spanned<bool>>,
    /// At least so many distinct approvers.
    pub quorum: Option<Spanned<u32>>,
    /// After so long a hold is denied.
    pub expires_in: Option<Spanned<String>>,
}

/// What the table means, and where each key of it stands.
#[derive(Debug, Clone, Default)]
pub struct ApprovalsConfig {
    /// What approvals take beyond the rules.
    pub value: Tightening,
    view_gate: Option<usize>,
    type_back: Option<usize>,
    quorum: Option<usize>,
    expires_in: Option<(String, usize)>,
}

impl ApprovalsConfig {
    /// Each key with what it says and where it stands; what is left out is as the rules say.
    pub(super) fn rows(&self, file: &Path) -> [(&'static str, String, Source); 4] {
        let row = |key, said: Option<(String, usize)>| match said {
            Some((value, line)) => (key, value, Source::File(PathBuf::from(file), line)),
            None => (key, "(as the rules say)".to_owned(), Source::Default),
        };
        let quorum = self.value.quorum.unwrap_or(1).to_string();
        let yes = |line| ("true".to_owned(), line);
        [
            row("view_gate", self.view_gate.map(yes)),
            row("type_back", self.type_back.map(yes)),
            row("quorum", self.quorum.map(|line| (quorum, line))),
            row("expires_in", self.expires_in.clone()),
        ]
    }
}

/// Gives the table its meaning.
pub(super) fn approvals(file: &Path, read: &ReadFile) -> Result<ApprovalsConfig, AppError> {
    let raw = &read.raw.approvals;
    let place = Place { file, read };
    let view_gate = place.only_true("view_gate", &raw.view_gate)?;
    let type_back = place.only_true("type_back", &raw.type_back)?;
    let quorum = place.quorum(&raw.quorum)?;
    let expires = place.expiry(&raw.expires_in)?;
    Ok(ApprovalsConfig {
        value: Tightening {
            expires_after_ms: expires.as_ref().map(|(ms, ..)| *ms),
            quorum: quorum.map(|(least, _)| least),
            type_back: type_back.is_some(),
            view_gate: view_gate.is_some(),
        },
        view_gate,
        type_back,
        quorum: quorum.map(|(_, line)| line),
        expires_in: expires.map(|(_, text, line)| (text, line)),
    })
}

struct Place<'a> {
    file: &'a Path,
    read: &'a ReadFile,
}

impl Place<'_> {
    /// The line of a switch that is on.
    fn only_true(&self, key: &str, raw: &Option<Spanned<bool>>) -> Result<Option<usize>, AppError> {
        let Some(raw) = raw else { return Ok(None) };
        match raw.as_ref() {
            true => Ok(Some(self.read.line(raw.span()))),
            false => Err(self.looser(raw, key, "false")),
        }
    }

    fn quorum(&self, raw: &Option<Spanned<u32>>) -> Result<Option<(u32, usize)>, AppError> {
        let Some(raw) = raw else { return Ok(None) };
        match *raw.as_ref() {
            least @ 0..=1 => Err(self.looser(raw, "quorum", &least.to_string())),
            least => Ok(Some((least, self.read.line(raw.span())))),
        }
    }

    fn expiry(
        &self,
        raw: &Option<Spanned<String>>,
    ) -> Result<Option<(u64, String, usize)>, AppError> {
        let Some(raw) = raw else { return Ok(None) };
        let text = raw.as_ref();
        match span_ms(text) {
            Some(0) => Err(self.looser(raw, "expires_in", text)),
            Some(ms) if ms <= EXPIRES_MS_MAX => {
                Ok(Some((ms, text.clone(), self.read.line(raw.span()))))
            }
            Some(_) | None => {
                let shown: String = text.chars().take(40).collect();
                let message =
                    format!("`approvals.expires_in` is `{shown}`, which is no length of time");
                Err(self
                    .wrong(raw, &message)
                    .hint("write it so: 90s, 30m, 8h, 2d"))
            }
        }
    }

    fn looser<T>(&self, raw: &Spanned<T>, key: &str, value: &str) -> AppError {
        let message =
            format!("`approvals.{key}` is {value}, which would ask for less than the rules do");
        self.wrong(raw, &message)
            .hint("leave it out; these settings only tighten")
    }

    fn wrong<T>(&self, raw: &Spanned<T>, message: &str) -> AppError {
        let (file, line) = (self.file.display(), self.read.line(raw.span()));
        let message = format!("config `{file}` line {line}: {message}");
        AppError::new(ErrorKind::Config, message)
    }
}

/// `90s`, `30m`, `8h`, `2d` in milliseconds.
fn span_ms(text: &str) -> Option<u64> {
    let units = [
        ('s', 1_000_u64),
        ('m', 60_000),
        ('h', 3_600_000),
        ('d', 86_400_000),
    ];
    let (_, unit) = units.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let digits = text.get(..text.len().checked_sub(1)?)?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = plain.then(|| digits.parse().ok())??;
    count.checked_mul(unit)
}
