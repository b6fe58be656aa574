//! What tokens cost and how many fit, from a dated table. Unknown stays unknown; guesses nothing.

use serde::Deserialize;
use thymos_ports::cognition::TokenUsage;

/// Prices in millicents (thousandths of a US cent) per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Tokens read that no cache held.
    pub input: u64,
    /// Tokens read from a cache.
    pub cached: u64,
    /// Tokens read and put into a cache.
    pub cache_written: u64,
    /// Tokens written.
    pub output: u64,
}

/// The table, as shipped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PriceTable {
    /// Counts up with each change.
    pub version: u32,
    /// The day the prices were read, `2025-11-30`.
    pub as_of: String,
    models: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Row {
    host: String,
    model: String,
    context_tokens: u64,
    #[serde(flatten)]
    prices: Flat,
}

// `flatten` and `deny_unknown_fields` do not mix, so the row has its own four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Flat {
    input: u64,
    cached: u64,
    cache_written: u64,
    output: u64,
}

/// The table that was built in; none if it were unreadable, which a test rules out.
#[must_use]
pub fn table() -> Option<PriceTable> {
    serde_json::from_str(include_str!("../data/prices.json")).ok()
}

impl PriceTable {
    /// The prices of a model at a host. Another host may sell the same name at another price.
    #[must_use]
    pub fn prices(&self, host: &str, model: &str) -> Option<Prices> {
        let row = self.row(model).filter(|row| row.host == host)?;
        let flat = row.prices;
        Some(Prices {
            input: flat.input,
            cached: flat.cached,
            cache_written: flat.cache_written,
            output: flat.output,
        })
    }

    /// How many tokens fit into a model's context.
    #[must_use]
    pub fn context_tokens(&self, model: &str) -> Option<u64> {
        self.row(model).map(|row| row.context_tokens)
    }

    fn row(&self, model: &str) -> Option<&Row> {
        self.models.iter().find(|row| {
            model
                .strip_prefix(row.model.as_str())
                .is_some_and(is_snapshot)
        })
    }
}

/// `-20250929`, `-2025-04-14`, `-latest`, `-0` or nothing: the same model by a longer name.
fn is_snapshot(rest: &str) -> bool {
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let dated = rest.starts_with('-')
        && digits == 8
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    rest.is_empty() || dated || matches!(rest, "-latest" | "-0")
}

/// What a turn used, before its price is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spent {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    /// Of `input`, what was put into a cache.
    pub(crate) cache_written: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    /// Whether the provider told anything at all.
    pub(crate) told: bool,
}

impl Spent {
    /// Both together. Known only if both are.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            cache_written: self.cache_written.saturating_add(other.cache_written),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            told: self.told && other.told,
        }
    }

    /// With a price, when both the amounts and the prices are known.
    pub(crate) fn priced(self, prices: Option<Prices>) -> TokenUsage {
        TokenUsage {
            input: self.input,
            cached: self.cached,
            output: self.output,
            reasoning: self.reasoning,
            usd_millicents: prices.filter(|_| self.told).map(|prices| self.cost(prices)),
        }
    }

    /// Rounded up: a budget must not be undercharged.
    fn cost(self, prices: Prices) -> u64 {
        let cached = self.cached.min(self.input);
        let written = self.cache_written.min(self.input - cached);
        let fresh = self.input - cached - written;
        let parts = [
            (fresh, prices.input),
            (cached, prices.cached),
            (written, prices.cache_written),
            (self.output, prices.output),
        ];
        let sum = parts.iter().fold(0_u128, |sum, (tokens, price)| {
            sum.saturating_add(u128::from(*tokens) * u128::from(*price))
        });
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Prices, Spent, table};

    const PRICES: Prices = Prices {
        input: 300_000,
        cached: 30_000,
        cache_written: 375_000,
        output: 1_500_000,
    };

    #[test]
    fn the_table_reads_and_no_name_hides_another() {
        let table = table().expect("the shipped table reads");
        for row in &table.models {
            assert_eq!(table.row(&row.model), Some(row));
            assert!(row.prices.cached <= row.prices.input && row.prices.input <= row.prices.output);
        }
    }

    #[test]
    fn a_snapshot_has_the_price_of_its_model_and_a_stranger_has_none() {
        let table = table().expect("the shipped table reads");
        let host = "api.anthropic.com";
        for name in ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"] {
            assert_eq!(table.prices(host, name), Some(PRICES));
        }
        assert_eq!(table.prices("example.com", "claude-sonnet-4-5"), None);
        for name in [
            "claude-sonnet-4-55",
            "claude-sonnet-4-5-preview",
            "llama3",
            "",
        ] {
            assert_eq!(table.prices(host, name), None);
            assert_eq!(table.context_tokens(name), None);
        }
        assert_eq!(table.context_tokens("gpt-4o-2024-08-06"), Some(128_000));
    }

    #[test]
    fn parts_are_priced_apart_and_rounded_up() {
        let spent = Spent {
            input: 1000,
            cached: 600,
            cache_written: 100,
            output: 10,
            reasoning: 0,
            told: true,
        };
        // 300 x 0.3 + 600 x 0.03 + 100 x 0.375 + 10 x 1.5 = 160.5
        assert_eq!(spent.priced(Some(PRICES)).usd_millicents, Some(161));
    }

    #[test]
    fn unknown_amounts_and_unknown_prices_have_no_price() {
        let told = Spent {
            told: true,
            ..Spent::default()
        };
        assert_eq!(told.priced(None).usd_millicents, None);
        assert_eq!(told.priced(Some(PRICES)).usd_millicents, Some(0));
        assert_eq!(Spent::default().priced(Some(PRICES)).usd_millicents, None);
    }

    #[test]
    fn absurd_amounts_saturate() {
        let spent = Spent {
            input: u64::MAX,
            cached: u64::MAX,
            cache_written: u64::MAX,
            output: u64::MAX,
            reasoning: u64::MAX,
            told: true,
        };
        let priced = spent.plus(spent).priced(Some(PRICES));
        assert_eq!(
            (priced.input, priced.usd_millicents),
            (u64::MAX, Some(u64::MAX))
        );
    }
}
