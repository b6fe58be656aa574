//! When to try again: the wait before the next attempt, or none. Sleeps for nobody.

use reqwest::header::HeaderMap;
use thymos_core::Timestamp;
use thymos_ports::Entropy;
use thymos_ports::clock::draw;

use crate::fault::Retry;
use crate::limits::BACKOFF_MS_MAX;
use crate::spec::RetryOptions;

#[cfg(test)]
mod tests;

/// Counts attempts and waits of one turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    options: RetryOptions,
    attempts: u32,
    waited_ms: u64,
}

impl Patience {
    pub(crate) const fn new(options: RetryOptions) -> Self {
        Self {
            options,
            attempts: 1,
            waited_ms: 0,
        }
    }

    /// The attempt going on, from 1.
    pub(crate) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Milliseconds to the next attempt, which then counts as begun; none when it is enough.
    pub(crate) fn next(&mut self, retry: Retry, entropy: &dyn Entropy) -> Option<u64> {
        let Retry::After(asked) = retry else {
            return None;
        };
        if self.attempts >= self.options.attempts_max {
            return None;
        }
        let wait = asked.unwrap_or_else(|| self.backoff(entropy));
        let waited = self.waited_ms.saturating_add(wait);
        if waited > self.options.wait_ms_max {
            return None;
        }
        self.waited_ms = waited;
        self.attempts += 1;
        Some(wait)
    }

    /// Doubles each time; the upper half is drawn, so that many clients do not return together.
    fn backoff(&self, entropy: &dyn Entropy) -> u64 {
        let exponent = self.attempts.saturating_sub(1).min(16);
        let full = (self.options.backoff_ms << exponent).min(BACKOFF_MS_MAX);
        let drawn = u64::from(u32::from_le_bytes(draw(entropy)));
        full / 2 + drawn * full.div_ceil(2) / u64::from(u32::MAX)
    }
}

/// What a provider asks for, in milliseconds: `retry-after-ms`, or seconds, or a date.
pub(crate) fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(ms) = text("retry-after-ms").and_then(|ms| millis(ms, 1.0)) {
        return Some(ms);
    }
    let asked = text("retry-after")?;
    millis(asked, 1000.0).or_else(|| http_date(asked).map(|then| then.since(now)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be finite and not negative; a float cast saturates"
)]
fn millis(text: &str, unit_ms: f64) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * unit_ms).ceil() as u64)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may send today.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, date) = text.trim().split_once(", ")?;
    let mut parts = date.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = parts.next()?.parse().ok()?;
    let mut time = parts
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let in_range = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range || parts.next() != Some("GMT") {
        return None;
    }
    // Days from the civil calendar, years counted from March so that leap days fall at the end.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    Some(Timestamp(
        (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000,
    ))
}
