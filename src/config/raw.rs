//! What `config.toml` says, word for word. Meaning is given in `resolve`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind as IoKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::approvals::RawApprovals;
use super::paths;
use super::tools::RawTools;
use crate::error::{AppError, ErrorKind};

/// The whole file. Every table and key is optional; unknown ones are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// `[operator]`.
    pub operator: RawOperator,
    /// `[session]`.
    pub session: RawSession,
    /// `[run]`.
    pub run: RawRun,
    /// `[budget]`.
    pub budget: RawBudget,
    /// `[ui]`.
    pub ui: RawUi,
    /// `[ledger]`.
    pub ledger: RawLedger,
    /// `[tools]`.
    pub tools: RawTools,
    /// `[policy]`.
    pub policy: RawPolicy,
    /// `[approvals]`.
    pub approvals: RawApprovals,
    /// `[providers.<name>]`.
    pub providers: BTreeMap<String, RawProvider>,
}

/// Who operates.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawOperator {
    /// The name in writs and answers.
    pub name: Option<Spanned<String>>,
}

/// How a session starts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSession {
    /// `plan`, `edit` or `auto`.
    pub mode: Option<Spanned<String>>,
    /// `provider` or `provider/model`.
    pub model: Option<Spanned<String>>,
    /// Whose record it is; empty is the local system.
    pub tenant: Option<Spanned<String>>,
}

/// Limits of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawRun {
    /// Model turns of one run.
    pub turns_max: Option<Spanned<u32>>,
    /// Tokens a model may write in a turn.
    pub output_tokens_max: Option<Spanned<u64>>,
    /// Tokens of conversation sent.
    pub context_tokens_max: Option<Spanned<u64>>,
}

/// What a mode's writ may spend, and how long it holds. 0 is unlimited, but for the hours.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBudget {
    /// Model tokens, in and out.
    pub tokens: Option<Spanned<u64>>,
    /// Calls that reach a tool.
    pub tool_calls: Option<Spanned<u64>>,
    /// Minutes that tools and models run.
    pub minutes: Option<Spanned<u64>>,
    /// US cents.
    pub usd_cents: Option<Spanned<u64>>,
    /// Hours until the writ ends; at least 1.
    pub hours: Option<Spanned<u64>>,
}

/// The screen.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawUi {
    /// A theme's name.
    pub theme: Option<Spanned<String>>,
    /// `auto`, `always`, `never`.
    pub color: Option<Spanned<String>>,
    /// Mouse reporting at start.
    pub mouse: Option<Spanned<bool>>,
    /// Plain mode instead of the full screen.
    pub plain: Option<Spanned<bool>>,
}

/// The ledger.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLedger {
    /// Its file, or the URL of its database.
    pub path: Option<Spanned<PathBuf>>,
    /// The folder of checkpoint files.
    pub checkpoints: Option<Spanned<PathBuf>>,
    /// Days before an entry may be erased; 0 is none.
    pub retention_days: Option<Spanned<u64>>,
}

/// The switches beside the rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPolicy {
    /// `low`, `medium`, `high` or `critical`: risk from there on waits for a person.
    pub risk_threshold: Option<Spanned<String>>,
    /// Whether what cannot be taken back waits for a person.
    pub compensation_gate: Option<Spanned<bool>>,
}

/// One provider.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawProvider {
    /// `anthropic`, `openai`, `practice` or `scripted`.
    pub kind: Option<Spanned<String>>,
    /// Where it listens; for `scripted`, the file of turns.
    pub base_url: Option<Spanned<String>>,
    /// The model's name, sent verbatim.
    pub model: Option<Spanned<String>>,
    /// The environment variable that holds the key.
    pub key_env: Option<Spanned<String>>,
    /// A file of mode 0600 that holds the key.
    pub key_file: Option<Spanned<PathBuf>>,
    /// Extra request headers.
    pub headers: Option<Spanned<BTreeMap<String, String>>>,
    /// Tokens that fit the model's context.
    pub context_tokens: Option<Spanned<u64>>,
    /// Longest silence before a request is given up, milliseconds.
    pub timeout_ms: Option<Spanned<u64>>,
    /// What its tokens cost, over the built-in table.
    pub prices: Option<Spanned<RawPrices>>,
}

/// US cents per million tokens `[B1]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPrices {
    /// Read, and in no cache.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from a cache; as `input` when it is not named.
    pub cached: Option<u64>,
    /// Read and put into a cache; as `input` when it is not named.
    pub cache_written: Option<u64>,
}

/// The file's meaning and its text, which lines are counted in.
#[derive(Debug, Default)]
pub struct ReadFile {
    /// What it says.
    pub raw: RawConfig,
    text: String,
}

impl ReadFile {
    /// The line of a value, from 1.
    #[must_use]
    pub fn line(&self, span: Range<usize>) -> usize {
        line_of(&self.text, span.start)
    }
}

/// Refuses a file that is read unasked and that others may write: it chooses models, budgets and where the
/// ledger is. One that is named with `--config` was chosen by whoever named it.
///
/// # Errors
/// [`AppError`] saying whose it is.
pub fn is_own(file: &Path) -> Result<(), AppError> {
    let Ok(meta) = fs::metadata(file) else {
        return Ok(());
    };
    let no = |what: &str| {
        let message = format!("config `{}` {what}", file.display());
        AppError::new(ErrorKind::Config, message)
    };
    if !meta.is_file() {
        return Err(no("is no file").hint("put a file there, or name one with --config"));
    }
    if let Some(why) = paths::not_own(file) {
        return Err(no(why).hint("look at it, then make it yours alone: chown, chmod o-w"));
    }
    // Who may write in its folder can put another file in its place: the folder of a link and of what it leads to.
    let real = file.canonicalize().ok();
    let folders = [Some(file), real.as_deref()].into_iter().flatten();
    if let Some(why) = folders.filter_map(Path::parent).find_map(paths::not_own) {
        return Err(no(&format!("stands in a folder that {why}"))
            .hint("look at it, then make the folder yours alone: chown, chmod o-w"));
    }
    // And who may write above can put another folder in the place of that one.
    match paths::open_way(file) {
        None => Ok(()),
        Some((folder, why)) => {
            let folder = folder.display();
            Err(no(&format!("is reached through `{folder}`, which {why}"))
                .hint("look at it, then make that folder yours alone: chown, chmod o-w"))
        }
    }
}

/// Reads the file. A missing one is empty, unless it was asked for by name.
///
/// # Errors
/// [`AppError`] with path, and line where there is one.
pub fn read(file: &Path, asked_for: bool) -> Result<ReadFile, AppError> {
    let shown = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == IoKind::NotFound && !asked_for => String::new(),
        Err(error) => {
            let message = format!("config `{shown}` cannot be read: {error}");
            return Err(AppError::new(ErrorKind::Config, message)
                .hint("check the path, or leave --config out"));
        }
    };
    match toml::from_str(&text) {
        Ok(raw) => Ok(ReadFile { raw, text }),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            let what = error.message().trim().replace('\n', ", ");
            let message = format!("config `{shown}` line {line}: {what}");
            Err(AppError::new(ErrorKind::Config, message)
                .hint("correct that line, or name another file with --config"))
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}
