//! Globs, substrings and ranges that values are compared with. Knows no event.

use regex::{Regex, RegexBuilder};

/// Bytes a compiled expression may take. A larger one is refused, not run.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Text with `*` for anything, compared whole and without regard to case.
#[derive(Debug, Clone)]
pub(super) struct Glob(Vec<String>);

impl Glob {
    /// Of quoted text `*` means itself.
    pub(super) fn new(text: &str, quoted: bool) -> Self {
        let lower = text.to_lowercase();
        Self(if quoted {
            vec![lower]
        } else {
            lower.split('*').map(str::to_owned).collect()
        })
    }

    /// Whether the whole text is covered. Greedy from the left: linear, and right for `*` alone.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let (first, rest) = match self.0.as_slice() {
            [] => return text.is_empty(),
            [only] => return text == *only,
            [first, rest @ ..] => (first, rest),
        };
        let Some(mut left) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, middle)) = rest.split_last() else {
            return false;
        };
        for part in middle {
            match left.split_once(part.as_str()) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }
}

/// Words that must occur, `*` standing for anything between them.
pub(super) fn words(text: &str, quoted: bool) -> Result<Regex, String> {
    let escaped = if quoted {
        regex::escape(text)
    } else {
        let parts: Vec<String> = text.split('*').map(regex::escape).collect();
        parts.join(".*?")
    };
    expression(&format!("(?is){escaped}"))
}

/// A regular expression as typed; the reason in one line when it is none.
pub(super) fn expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.trim_start_matches("error: ").to_owned()
        })
}

/// Numbers from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    low: u64,
    high: u64,
}

impl Range {
    /// Reads `7`, `>7`, `>=7`, `<7`, `<=7`, `7..9`, `7..`, `..9`.
    pub(super) fn parse(text: &str, number: impl Fn(&str) -> Option<u64>) -> Option<Self> {
        let all = Self {
            low: 0,
            high: u64::MAX,
        };
        let is_empty = |text: &str| text.is_empty();
        if let Some(rest) = text.strip_prefix(">=") {
            return Some(Self {
                low: number(rest)?,
                ..all
            });
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Some(Self {
                high: number(rest)?,
                ..all
            });
        }
        if let Some(rest) = text.strip_prefix('>') {
            return Some(Self {
                low: number(rest)?.saturating_add(1),
                ..all
            });
        }
        if let Some(rest) = text.strip_prefix('<') {
            // Nothing lies below zero: then the range is empty.
            return Some(match number(rest)? {
                0 => Self { low: 1, high: 0 },
                above => Self {
                    high: above - 1,
                    ..all
                },
            });
        }
        if let Some((low, high)) = text.split_once("..") {
            let low = if is_empty(low) { all.low } else { number(low)? };
            let high = if is_empty(high) {
                all.high
            } else {
                number(high)?
            };
            return (text != "..").then_some(Self { low, high });
        }
        let only = number(text)?;
        Some(Self {
            low: only,
            high: only,
        })
    }

    pub(super) const fn contains(&self, number: u64) -> bool {
        self.low <= number && number <= self.high
    }
}

/// The nearest of some words, for a hint; none when all are far.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.min(candidate.len() / 2))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, drop or replace. Words are short: a filter has a limit.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, to) in row.iter_mut().skip(1).zip(&b) {
            let above = *slot;
            left = (diagonal + usize::from(from != *to))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
