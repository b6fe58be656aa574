//! Budgets in four dimensions and what is taken from them `[B1]`. Arithmetic only.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest amount: the largest integer that an entry can keep `[K3]`.
pub const AMOUNT_MAX: u64 = (1 << 53) - 1;

/// Sum of two amounts, [`AMOUNT_MAX`] at most.
#[must_use]
pub const fn sum(one: u64, other: u64) -> u64 {
    match one.saturating_add(other) {
        sum if sum > AMOUNT_MAX => AMOUNT_MAX,
        sum => sum,
    }
}

/// What may be spent. `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Model tokens, in and out.
    pub tokens: Option<u64>,
    /// Calls that reached a tool.
    pub tool_calls: Option<u64>,
    /// Time tools and models ran, milliseconds.
    pub wall_clock_ms: Option<u64>,
    /// Thousandths of a US cent.
    pub usd_millicents: Option<u64>,
}

/// What was, or may be, spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Model tokens, in and out.
    pub tokens: u64,
    /// Calls that reached a tool.
    pub tool_calls: u64,
    /// Thousandths of a US cent.
    pub usd_millicents: u64,
    /// Milliseconds.
    pub wall_clock_ms: u64,
}

/// One of the four dimensions, named in refusals and on gauges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Model tokens.
    Tokens,
    /// Tool calls.
    ToolCalls,
    /// Wall clock.
    WallClockMs,
    /// Money.
    UsdMillicents,
}

impl Dimension {
    /// All four, in display order.
    pub const ALL: [Self; 4] = [
        Self::Tokens,
        Self::ToolCalls,
        Self::WallClockMs,
        Self::UsdMillicents,
    ];

    /// What an amount counts, behind its number: `20 ms of wall clock`.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::ToolCalls => "tool calls",
            Self::WallClockMs => "ms of wall clock",
            Self::UsdMillicents => "thousandths of a cent",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokens => "tokens",
            Self::ToolCalls => "tool calls",
            Self::WallClockMs => "wall clock",
            Self::UsdMillicents => "money",
        })
    }
}

impl Budget {
    /// No limit in any dimension.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            tokens: None,
            tool_calls: None,
            wall_clock_ms: None,
            usd_millicents: None,
        }
    }

    /// A limit, or none, for each dimension.
    pub fn each(mut limit: impl FnMut(Dimension) -> Option<u64>) -> Self {
        Self {
            tokens: limit(Dimension::Tokens),
            tool_calls: limit(Dimension::ToolCalls),
            wall_clock_ms: limit(Dimension::WallClockMs),
            usd_millicents: limit(Dimension::UsdMillicents),
        }
    }

    /// In each dimension the least of several limits: what a chain of writs allows at most.
    #[must_use]
    pub fn tightest<'b>(each: impl IntoIterator<Item = &'b Self>) -> Self {
        let tighter = |a: Self, b: &Self| {
            Self::each(|dimension| match (a.limit(dimension), b.limit(dimension)) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (limit, None) | (None, limit) => limit,
            })
        };
        each.into_iter().fold(Self::unlimited(), tighter)
    }

    /// The limit of one dimension.
    #[must_use]
    pub const fn limit(&self, dimension: Dimension) -> Option<u64> {
        match dimension {
            Dimension::Tokens => self.tokens,
            Dimension::ToolCalls => self.tool_calls,
            Dimension::WallClockMs => self.wall_clock_ms,
            Dimension::UsdMillicents => self.usd_millicents,
        }
    }

    /// What is left of one dimension after `spent`; `None` is unlimited.
    #[must_use]
    pub fn left(&self, spent: &Cost, dimension: Dimension) -> Option<u64> {
        self.limit(dimension)
            .map(|limit| limit.saturating_sub(spent.amount(dimension)))
    }

    /// The first dimension in which `spent + wanted` would exceed the limit `[C11]`.
    #[must_use]
    pub fn shortfall(&self, spent: &Cost, wanted: &Cost) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|&dimension| {
            self.left(spent, dimension)
                .is_some_and(|left| wanted.amount(dimension) > left)
        })
    }

    /// The first dimension that is spent to the last unit.
    #[must_use]
    pub fn exhausted(&self, spent: &Cost) -> Option<Dimension> {
        Dimension::ALL
            .into_iter()
            .find(|&dimension| self.left(spent, dimension) == Some(0))
    }
}

impl Cost {
    /// One call, and nothing else that it takes.
    pub const ONE_CALL: Self = Self {
        tokens: 0,
        tool_calls: 1,
        usd_millicents: 0,
        wall_clock_ms: 0,
    };

    /// An amount for each dimension.
    pub fn each(mut amount: impl FnMut(Dimension) -> u64) -> Self {
        Self {
            tokens: amount(Dimension::Tokens),
            tool_calls: amount(Dimension::ToolCalls),
            wall_clock_ms: amount(Dimension::WallClockMs),
            usd_millicents: amount(Dimension::UsdMillicents),
        }
    }

    /// The amount in one dimension.
    #[must_use]
    pub const fn amount(&self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Tokens => self.tokens,
            Dimension::ToolCalls => self.tool_calls,
            Dimension::WallClockMs => self.wall_clock_ms,
            Dimension::UsdMillicents => self.usd_millicents,
        }
    }

    /// Sum; stops at [`AMOUNT_MAX`], so that a forged size cannot wrap into a refund, and a sum of large ones can
    /// be recorded.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            tokens: sum(self.tokens, other.tokens),
            tool_calls: sum(self.tool_calls, other.tool_calls),
            wall_clock_ms: sum(self.wall_clock_ms, other.wall_clock_ms),
            usd_millicents: sum(self.usd_millicents, other.usd_millicents),
        }
    }

    /// Difference, not below zero; used to give back a reservation.
    #[must_use]
    pub const fn minus(&self, other: &Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens),
            tool_calls: self.tool_calls.saturating_sub(other.tool_calls),
            wall_clock_ms: self.wall_clock_ms.saturating_sub(other.wall_clock_ms),
            usd_millicents: self.usd_millicents.saturating_sub(other.usd_millicents),
        }
    }
}
