//! Gives the config its meaning: default, then file, then environment, then flag, each with a source.

use std::fmt;
use std::path::PathBuf;

use thymos_core::effect::Risk;
use thymos_core::secret::Secret;
use thymos_core::writ::Mode;
use toml::Spanned;

use super::approvals::{ApprovalsConfig, approvals};
use super::ledger::LedgerPlace;
use super::raw::{RawBudget, RawPrices, RawProvider, ReadFile};
use super::tools::{self, ToolFloor};
use super::{Env, Paths};
use crate::error::{AppError, ErrorKind};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// The config file, at a line.
    File(PathBuf, usize),
    /// An environment variable.
    Env(&'static str),
    /// A command line flag.
    Flag(&'static str),
}

impl Source {
    /// What a wrong value from there is: a slip of the command line, or of what is configured.
    const fn blames(&self) -> ErrorKind {
        match self {
            Self::Flag(_) => ErrorKind::Usage,
            Self::Default | Self::File(..) | Self::Env(_) => ErrorKind::Config,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub source: Source,
}

/// Flags that outrank everything else.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--ledger`.
    pub ledger: Option<PathBuf>,
    /// `--model`.
    pub model: Option<String>,
    /// `--mode`.
    pub mode: Option<String>,
    /// `--tenant`.
    pub tenant: Option<String>,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--color`.
    pub color: Option<String>,
    /// `--plain`, or `--no-plain`.
    pub plain: Option<bool>,
    /// `--risk-threshold` of `thymos run`.
    pub risk_threshold: Option<String>,
    /// `--compensation-gate` of `thymos run`.
    pub compensation_gate: bool,
}

impl Config {
    /// How old an entry must be before it may be erased; 0 is no age `[L3]`.
    #[must_use]
    pub const fn retention_ms(&self) -> u64 {
        self.retention_days
            .value
            .saturating_mul(24 * 60 * 60 * 1_000)
    }
}

/// What everything means, fully resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folders.
    pub paths: Paths,
    /// The file that was read, or would be.
    pub file: PathBuf,
    /// The operator's name.
    pub operator: Setting<String>,
    /// The mode of a new trajectory.
    pub mode: Setting<Mode>,
    /// The tenant that everything is of; empty is the local system.
    pub tenant: Setting<String>,
    /// `provider` or `provider/model`; none picks by the keys at hand, else practice.
    pub model: Setting<Option<String>>,
    /// Model turns of one run.
    pub turns_max: Setting<u32>,
    /// Tokens a model may write in a turn.
    pub output_tokens_max: Setting<u64>,
    /// Tokens of conversation sent.
    pub context_tokens_max: Setting<u64>,
    /// What a mode's writ may spend.
    pub budget: BudgetConfig,
    /// The theme.
    pub theme: Setting<String>,
    /// `auto`, `always`, `never`.
    pub color: Setting<String>,
    /// Mouse reporting at start.
    pub mouse: Setting<bool>,
    /// Plain mode instead of the full screen.
    pub plain: Setting<bool>,
    /// The ledger's file or database.
    pub ledger: Setting<LedgerPlace>,
    /// The folder of checkpoint files, outside of the ledger `[L7]`.
    pub checkpoints: Setting<PathBuf>,
    /// Days before an entry may be erased; 0 is none `[L3]`.
    pub retention_days: Setting<u64>,
    /// What no tool may touch, besides the program's own files.
    pub protected: Setting<Vec<PathBuf>>,
    /// What children may read besides workspace and system.
    pub extra_read: Setting<Vec<PathBuf>>,
    /// Risk from here on waits for a person `[C15]`.
    pub risk_threshold: Setting<Risk>,
    /// Whether what cannot be taken back waits for a person `[C14]`.
    pub compensation_gate: Setting<bool>,
    /// What approvals take beyond the rules `[A8]`.
    pub approvals: ApprovalsConfig,
    /// The operator's table over tools `[C18]`.
    pub floors: Vec<ToolFloor>,
    /// Providers of the file, by name.
    pub providers: Vec<ProviderConfig>,
}

/// What a mode's writ may spend, and how long it holds; 0 is unlimited.
#[derive(Debug, Clone)]
pub struct BudgetConfig {
    /// Model tokens, in and out.
    pub tokens: Setting<u64>,
    /// Calls that reach a tool.
    pub tool_calls: Setting<u64>,
    /// Minutes that tools and models run.
    pub minutes: Setting<u64>,
    /// US cents.
    pub usd_cents: Setting<u64>,
    /// Hours until the writ ends.
    pub hours: Setting<u64>,
}

/// The most that a budget key may say: what JSON keeps exactly, in the smallest unit used.
const BUDGET_MAX: u64 = (1 << 53) / 60_000;

/// A hundred years.
const RETENTION_DAYS_MAX: u64 = 36_500;

/// One provider as the file has it.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name.
    pub name: String,
    /// Its adapter kind; none takes the preset's.
    pub kind: Option<String>,
    /// Where it listens; none takes the preset's.
    pub base_url: Option<String>,
    /// The model; none takes the preset's.
    pub model: Option<String>,
    /// The variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key.
    pub key_file: Option<PathBuf>,
    /// Extra headers; may hold keys.
    pub headers: Vec<(String, Secret<String>)>,
    /// Tokens that fit.
    pub context_tokens: Option<u64>,
    /// Longest silence.
    pub timeout_ms: Option<u64>,
    /// What its tokens cost; none takes the table's, if it has any.
    pub prices: Option<RawPrices>,
    /// Where the provider stands in the file.
    pub line: usize,
}

/// Layers the sources over each other.
pub(super) fn resolve(
    env: &Env,
    paths: Paths,
    file: PathBuf,
    read: ReadFile,
    flags: &Flags,
) -> Result<Config, AppError> {
    let raw = &read.raw;
    let layers = Layers {
        env,
        file: &file,
        read: &read,
    };
    let user = env
        .get("USER")
        .or_else(|| env.get("LOGNAME"))
        .unwrap_or("operator");
    let mode = layers.pick(
        &raw.session.mode,
        Some("THYMOS_MODE"),
        flag(&flags.mode, "--mode"),
        "edit".into(),
    );
    let theme = layers.pick(
        &raw.ui.theme,
        Some("THYMOS_THEME"),
        flag(&flags.theme, "--theme"),
        "ansi".into(),
    );
    let ledger_flag = flags.ledger.clone().map(|path| (path, "--ledger"));
    let ledger = match (ledger_flag, env.path("THYMOS_LEDGER")) {
        (Some((value, name)), _) => Setting {
            value,
            source: Source::Flag(name),
        },
        (None, Some(value)) => Setting {
            value,
            source: Source::Env("THYMOS_LEDGER"),
        },
        (None, None) => layers.file_or(&raw.ledger.path, paths.ledger()),
    };
    Ok(Config {
        operator: layers.file_or(&raw.operator.name, user.to_owned()),
        mode: parse_mode(mode)?,
        tenant: sound_tenant(layers.pick(
            &raw.session.tenant,
            Some("THYMOS_TENANT"),
            flag(&flags.tenant, "--tenant"),
            String::new(),
        ))?,
        model: layers.model(flags),
        turns_max: layers.file_or(&raw.run.turns_max, 50),
        output_tokens_max: layers.file_or(&raw.run.output_tokens_max, 8_192),
        context_tokens_max: layers.file_or(&raw.run.context_tokens_max, 150_000),
        budget: budget(&layers, &raw.budget)?,
        theme,
        color: known_color(layers.pick(
            &raw.ui.color,
            None,
            flag(&flags.color, "--color"),
            "auto".into(),
        ))?,
        mouse: layers.file_or(&raw.ui.mouse, false),
        plain: layers.plain(flags)?,
        ledger: LedgerPlace::of(ledger)?,
        checkpoints: layers.file_or(&raw.ledger.checkpoints, paths.checkpoints()),
        retention_days: retention(layers.file_or(&raw.ledger.retention_days, 0))?,
        protected: layers.file_or(&raw.tools.protected, Vec::new()),
        extra_read: layers.file_or(&raw.tools.extra_read, toolchains(env)),
        floors: tools::floors(&file, &read)?,
        approvals: approvals(&file, &read)?,
        risk_threshold: layers.risk_threshold(flags)?,
        compensation_gate: layers.compensation_gate(flags)?,
        providers: providers(&read),
        paths,
        file,
    })
}

fn yes_or_no(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn retention(days: Setting<u64>) -> Result<Setting<u64>, AppError> {
    if days.value <= RETENTION_DAYS_MAX {
        return Ok(days);
    }
    let message = format!(
        "`ledger.retention_days` is {} ({}), and at most {RETENTION_DAYS_MAX} can be kept",
        days.value, days.source
    );
    Err(AppError::new(ErrorKind::Config, message).hint("correct that line"))
}

fn budget(layers: &Layers<'_>, raw: &RawBudget) -> Result<BudgetConfig, AppError> {
    let budget = BudgetConfig {
        tokens: layers.file_or(&raw.tokens, 2_000_000),
        tool_calls: layers.file_or(&raw.tool_calls, 500),
        minutes: layers.file_or(&raw.minutes, 240),
        usd_cents: layers.file_or(&raw.usd_cents, 500),
        hours: layers.file_or(&raw.hours, 24),
    };
    let all = [
        ("tokens", &budget.tokens),
        ("tool_calls", &budget.tool_calls),
        ("minutes", &budget.minutes),
        ("usd_cents", &budget.usd_cents),
        ("hours", &budget.hours),
    ];
    for (key, setting) in all {
        let least = u64::from(key == "hours");
        if !(least..=BUDGET_MAX).contains(&setting.value) {
            let message = format!(
                "`budget.{key}` is {} ({}), and must lie between {least} and {BUDGET_MAX}",
                setting.value, setting.source
            );
            return Err(AppError::new(ErrorKind::Config, message).hint("correct that line"));
        }
    }
    Ok(budget)
}

struct Layers<'a> {
    env: &'a Env,
    file: &'a std::path::Path,
    read: &'a ReadFile,
}

impl Layers<'_> {
    fn file_or<T: Clone>(&self, raw: &Option<Spanned<T>>, default: T) -> Setting<T> {
        match raw {
            Some(value) => Setting {
                value: value.as_ref().clone(),
                source: self.at(value),
            },
            None => Setting {
                value: default,
                source: Source::Default,
            },
        }
    }

    fn at<T>(&self, value: &Spanned<T>) -> Source {
        Source::File(self.file.to_path_buf(), self.read.line(value.span()))
    }

    fn pick(
        &self,
        raw: &Option<Spanned<String>>,
        variable: Option<&'static str>,
        flag: Option<(String, &'static str)>,
        default: String,
    ) -> Setting<String> {
        if let Some((value, name)) = flag {
            return Setting {
                value,
                source: Source::Flag(name),
            };
        }
        if let Some(name) = variable
            && let Some(value) = self.env.get(name)
        {
            return Setting {
                value: value.to_owned(),
                source: Source::Env(name),
            };
        }
        self.file_or(raw, default)
    }

    /// A flag, then what is said to this program, then what is said to every program, then the file.
    fn plain(&self, flags: &Flags) -> Result<Setting<bool>, AppError> {
        const OWN: &str = "THYMOS_PLAIN";
        let set = |value: bool, source: Source| Ok(Setting { value, source });
        match flags.plain {
            Some(true) => return set(true, Source::Flag("--plain")),
            Some(false) => return set(false, Source::Flag("--no-plain")),
            None => {}
        }
        if let Some(word) = self.env.get(OWN) {
            let Some(value) = yes_or_no(word) else {
                let message = format!("`{word}` is neither 1 nor 0 (environment {OWN})");
                return Err(AppError::new(ErrorKind::Config, message).hint("use 1 or 0"));
            };
            return set(value, Source::Env(OWN));
        }
        // Whatever is said there, but for a plain no: the name belongs to no program.
        let wished = self.env.get("ACCESSIBLE").map(yes_or_no);
        if wished.is_some_and(|said| said != Some(false)) {
            return set(true, Source::Env("ACCESSIBLE"));
        }
        if self.env.get("TERM") == Some("dumb") {
            return set(true, Source::Env("TERM"));
        }
        Ok(self.file_or(&self.read.raw.ui.plain, false))
    }

    // [P3] A flag may tighten a switch and never loosen it: whoever starts a run in a script is not
    // always who configured the machine.
    fn risk_threshold(&self, flags: &Flags) -> Result<Setting<Risk>, AppError> {
        let raw = &self.read.raw.policy.risk_threshold;
        let own = self.pick(raw, Some("THYMOS_RISK_THRESHOLD"), None, "high".into());
        let own = Self::risk(own)?;
        let Some(word) = &flags.risk_threshold else {
            return Ok(own);
        };
        let asked = Self::risk(Setting {
            value: word.clone(),
            source: Source::Flag("--risk-threshold"),
        })?;
        if asked.value > own.value {
            let message = format!(
                "`--risk-threshold {word}` is laxer than `{}` ({})",
                own.value, own.source
            );
            return Err(AppError::new(ErrorKind::Usage, message)
                .hint("a flag may only be stricter; change the configuration"));
        }
        Ok(asked)
    }

    fn risk(picked: Setting<String>) -> Result<Setting<Risk>, AppError> {
        let risks = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
        match risks
            .into_iter()
            .find(|risk| risk.to_string() == picked.value)
        {
            Some(value) => Ok(Setting {
                value,
                source: picked.source,
            }),
            None => {
                let message = format!("there is no risk `{}` ({})", picked.value, picked.source);
                Err(AppError::new(ErrorKind::Config, message)
                    .hint("use low, medium, high or critical"))
            }
        }
    }

    fn compensation_gate(&self, flags: &Flags) -> Result<Setting<bool>, AppError> {
        if flags.compensation_gate {
            return Ok(Setting {
                value: true,
                source: Source::Flag("--compensation-gate"),
            });
        }
        const NAME: &str = "THYMOS_COMPENSATION_GATE";
        let Some(word) = self.env.get(NAME) else {
            return Ok(self.file_or(&self.read.raw.policy.compensation_gate, true));
        };
        let value = word.parse().map_err(|_| {
            let message = format!("`{word}` is neither true nor false (environment {NAME})");
            AppError::new(ErrorKind::Config, message).hint("use true or false")
        })?;
        Ok(Setting {
            value,
            source: Source::Env(NAME),
        })
    }

    /// `THYMOS_DEFAULT_PROVIDER` and `THYMOS_DEFAULT_MODEL` are the names that users of the
    /// original system have in their shells.
    fn model(&self, flags: &Flags) -> Setting<Option<String>> {
        let some = |value: String, source| Setting {
            value: Some(value),
            source,
        };
        if let Some(model) = &flags.model {
            return some(model.clone(), Source::Flag("--model"));
        }
        if let Some(model) = self.env.get("THYMOS_MODEL") {
            return some(model.to_owned(), Source::Env("THYMOS_MODEL"));
        }
        if let Some(provider) = self.env.get("THYMOS_DEFAULT_PROVIDER") {
            let name = match self.env.get("THYMOS_DEFAULT_MODEL") {
                Some(model) => format!("{provider}/{model}"),
                None => provider.to_owned(),
            };
            return some(name, Source::Env("THYMOS_DEFAULT_PROVIDER"));
        }
        match &self.read.raw.session.model {
            Some(value) => some(value.as_ref().clone(), self.at(value)),
            None => Setting {
                value: None,
                source: Source::Default,
            },
        }
    }
}

fn flag(value: &Option<String>, name: &'static str) -> Option<(String, &'static str)> {
    value.clone().map(|value| (value, name))
}

fn parse_mode(setting: Setting<String>) -> Result<Setting<Mode>, AppError> {
    match Mode::parse(&setting.value).filter(|mode| *mode != Mode::Custom) {
        Some(value) => Ok(Setting {
            value,
            source: setting.source,
        }),
        None => {
            let message = format!("there is no mode `{}` ({})", setting.value, setting.source);
            Err(AppError::new(setting.source.blames(), message).hint("use plan, edit or auto"))
        }
    }
}

/// Characters of a tenant's name at most.
const TENANT_CHARS_MAX: usize = 64;

/// What a tenant's name may be.
pub const TENANT_HINT: &str = "use up to 64 letters, digits, `-`, `_` and `.`";

/// Whether somebody's record can be called so; no name is that of an installation without tenants.
#[must_use]
pub fn is_tenant(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().count() <= TENANT_CHARS_MAX && name.chars().all(plain)
}

fn sound_tenant(setting: Setting<String>) -> Result<Setting<String>, AppError> {
    if is_tenant(&setting.value) {
        return Ok(setting);
    }
    let shown: String = setting.value.chars().take(80).collect();
    let message = format!("`{shown}` is not a tenant's name ({})", setting.source);
    Err(AppError::new(setting.source.blames(), message).hint(TENANT_HINT))
}

fn known_color(setting: Setting<String>) -> Result<Setting<String>, AppError> {
    if ["auto", "always", "never"].contains(&setting.value.as_str()) {
        return Ok(setting);
    }
    let message = format!(
        "there is no colour choice `{}` ({})",
        setting.value, setting.source
    );
    Err(AppError::new(setting.source.blames(), message).hint("use auto, always or never"))
}

/// The providers in the order of the file: the first one is the default.
fn providers(read: &ReadFile) -> Vec<ProviderConfig> {
    let all = read.raw.providers.iter();
    let mut providers: Vec<_> = all.map(|(name, raw)| provider(read, name, raw)).collect();
    providers.sort_by_key(|provider| provider.line);
    providers
}

fn provider(read: &ReadFile, name: &str, raw: &RawProvider) -> ProviderConfig {
    fn own<T: Clone>(value: &Option<Spanned<T>>) -> Option<T> {
        value.as_ref().map(|v| v.as_ref().clone())
    }
    let first = [&raw.kind, &raw.base_url, &raw.model, &raw.key_env]
        .into_iter()
        .flatten()
        .map(|value| read.line(value.span()))
        .min();
    let headers = own(&raw.headers).unwrap_or_default();
    ProviderConfig {
        name: name.to_owned(),
        kind: own(&raw.kind),
        base_url: own(&raw.base_url),
        model: own(&raw.model),
        key_env: own(&raw.key_env),
        key_file: own(&raw.key_file),
        headers: headers
            .into_iter()
            .map(|(k, v)| (k, Secret::new(v)))
            .collect(),
        context_tokens: own(&raw.context_tokens),
        timeout_ms: own(&raw.timeout_ms),
        prices: own(&raw.prices),
        line: first.unwrap_or(1),
    }
}

/// Toolchains that live in the home folder and that builds cannot do without.
fn toolchains(env: &Env) -> Vec<PathBuf> {
    let home = env.path("HOME");
    let below = |name: &str| home.as_ref().map(|home| home.join(name));
    [
        env.path("CARGO_HOME").or_else(|| below(".cargo")),
        env.path("RUSTUP_HOME").or_else(|| below(".rustup")),
        below(".nvm"),
        below(".pyenv"),
        below("go"),
    ]
    .into_iter()
    .flatten()
    .filter(|path| path.is_dir())
    .collect()
}
