//! The layered result for `thymos config explain`: every key, its value, and where it came from.

use std::path::PathBuf;

use super::raw::RawPrices;
use super::resolve::{BudgetConfig, Config, Setting, Source};
use super::tools::ToolFloor;

/// One line of the explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key as the file writes it.
    pub key: String,
    /// Its value; never a secret.
    pub value: String,
    /// Where it came from.
    pub source: String,
}

/// What the operator's table says of one tool.
fn floor(config: &Config, row: &ToolFloor) -> Vec<Row> {
    let source = Source::File(config.file.clone(), row.line).to_string();
    let floor = row.floor;
    let values = [
        ("effect", floor.effect.map(|class| class.to_string())),
        ("risk", floor.risk.map(|risk| risk.to_string())),
        ("rung", floor.rung.map(|rung| rung.to_string())),
        ("repeat", floor.once.then(|| "once".to_owned())),
    ];
    let told = values.into_iter().filter_map(|(key, value)| {
        Some(Row {
            key: format!("tools.{}.{key}", row.name),
            value: value?,
            source: source.clone(),
        })
    });
    told.collect()
}

/// Every key there is, in file order.
#[must_use]
pub fn rows(config: &Config) -> Vec<Row> {
    let mut rows = vec![
        row("operator.name", &config.operator, Clone::clone),
        row("session.mode", &config.mode, |mode| mode.word().to_owned()),
        row("session.model", &config.model, |model| {
            model
                .clone()
                .unwrap_or_else(|| "(first provider with a key, else practice)".into())
        }),
        row("session.tenant", &config.tenant, Clone::clone),
        row("run.turns_max", &config.turns_max, ToString::to_string),
        row(
            "run.output_tokens_max",
            &config.output_tokens_max,
            ToString::to_string,
        ),
        row(
            "run.context_tokens_max",
            &config.context_tokens_max,
            ToString::to_string,
        ),
        row("ui.theme", &config.theme, Clone::clone),
        row("ui.color", &config.color, Clone::clone),
        row("ui.mouse", &config.mouse, ToString::to_string),
        row("ui.plain", &config.plain, ToString::to_string),
        row("tools.protected", &config.protected, |paths| list(paths)),
        row("tools.extra_read", &config.extra_read, |paths| list(paths)),
    ];
    rows.extend(ledger(config));
    rows.extend(budget(&config.budget));
    rows.extend(config.floors.iter().flat_map(|row| floor(config, row)));
    rows.extend(policy(config));
    for provider in &config.providers {
        let source = Source::File(config.file.clone(), provider.line);
        let mut add = |field: &str, value: Option<String>| {
            if let Some(value) = value {
                let key = format!("providers.{}.{field}", provider.name);
                rows.push(Row {
                    key,
                    value,
                    source: source.to_string(),
                });
            }
        };
        add("kind", provider.kind.clone());
        add(
            "base_url",
            provider.base_url.as_deref().map(without_credentials),
        );
        add("model", provider.model.clone());
        add("key_env", provider.key_env.clone());
        add(
            "key_file",
            provider
                .key_file
                .as_ref()
                .map(|path| path.display().to_string()),
        );
        add(
            "headers",
            (!provider.headers.is_empty()).then(|| names(&provider.headers)),
        );
        add(
            "context_tokens",
            provider.context_tokens.map(|n| n.to_string()),
        );
        add("timeout_ms", provider.timeout_ms.map(|n| n.to_string()));
        add("prices", provider.prices.map(cents));
    }
    rows
}

fn cents(prices: RawPrices) -> String {
    let (input, output) = (prices.input, prices.output);
    format!("input {input}, output {output} cents per million tokens")
}

fn policy(config: &Config) -> Vec<Row> {
    let mut rows = vec![
        row(
            "policy.risk_threshold",
            &config.risk_threshold,
            ToString::to_string,
        ),
        row(
            "policy.compensation_gate",
            &config.compensation_gate,
            ToString::to_string,
        ),
    ];
    let approvals = config.approvals.rows(&config.file).into_iter();
    rows.extend(approvals.map(|(key, value, source)| Row {
        key: format!("approvals.{key}"),
        value,
        source: source.to_string(),
    }));
    rows
}

fn row<T>(key: &str, setting: &Setting<T>, show: impl Fn(&T) -> String) -> Row {
    Row {
        key: key.to_owned(),
        value: show(&setting.value),
        source: setting.source.to_string(),
    }
}

fn ledger(config: &Config) -> [Row; 3] {
    let shown = |path: &PathBuf| path.display().to_string();
    let text = ToString::to_string;
    [
        row("ledger.path", &config.ledger, ToString::to_string),
        row("ledger.checkpoints", &config.checkpoints, shown),
        row("ledger.retention_days", &config.retention_days, text),
    ]
}

fn budget(budget: &BudgetConfig) -> [Row; 5] {
    [
        row("budget.tokens", &budget.tokens, amount),
        row("budget.tool_calls", &budget.tool_calls, amount),
        row("budget.minutes", &budget.minutes, amount),
        row("budget.usd_cents", &budget.usd_cents, amount),
        row("budget.hours", &budget.hours, ToString::to_string),
    ]
}

fn amount(limit: &u64) -> String {
    match limit {
        0 => "unlimited".to_owned(),
        limit => limit.to_string(),
    }
}

fn list(paths: &[std::path::PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    format!("[{}]", shown.join(", "))
}

fn names<V>(headers: &[(String, V)]) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    format!("{} (values not shown)", names.join(", "))
}

/// A URL that carries a password is refused when it is used; it is not printed before either.
fn without_credentials(url: &str) -> String {
    match url
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?)))
    {
        Some((scheme, (_secret, host))) => format!("{scheme}://***@{host}"),
        None => url.to_owned(),
    }
}
