//! Tests of the retry policy.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use thymos_core::Timestamp;
use thymos_ports::Entropy;

use super::{Patience, http_date, retry_after_ms};
use crate::fault::Retry;
use crate::spec::RetryOptions;

/// Every byte the same.
struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const OPTIONS: RetryOptions = RetryOptions {
    attempts_max: 4,
    backoff_ms: 500,
    wait_ms_max: 10_000,
};

fn waits(retry: Retry, chance: u8) -> Vec<u64> {
    let mut patience = Patience::new(OPTIONS);
    std::iter::from_fn(|| patience.next(retry, &Fixed(chance))).collect()
}

#[test]
fn backoff_doubles_and_jitters_its_upper_half() {
    assert_eq!(waits(Retry::After(None), 0x00), [250, 500, 1000]);
    assert_eq!(waits(Retry::After(None), 0xFF), [500, 1000, 2000]);
}

#[test]
fn what_must_not_be_retried_is_not() {
    assert_eq!(waits(Retry::Never, 0), [0_u64; 0]);
}

#[test]
fn asked_waits_are_honoured_up_to_the_total() {
    assert_eq!(waits(Retry::After(Some(3)), 0), [3, 3, 3]);
    assert_eq!(waits(Retry::After(Some(6000)), 0), [6000]);
    assert_eq!(waits(Retry::After(Some(u64::MAX)), 0), [0_u64; 0]);
}

fn check_asked(name: &'static str, value: &'static str, expected: Option<u64>) {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    let now = Timestamp(784_111_770_000);
    assert_eq!(retry_after_ms(&headers, now), expected, "{name}: {value}");
}

#[test]
fn retry_after_is_read_in_seconds_milliseconds_and_as_a_date() {
    check_asked("retry-after", "7", Some(7000));
    check_asked("retry-after", "0.25", Some(250));
    check_asked("retry-after-ms", "1250", Some(1250));
    check_asked("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(7000));
    check_asked("retry-after", "Sat, 05 Nov 1994 08:49:37 GMT", Some(0));
    for nonsense in [
        "",
        "soon",
        "-3",
        "NaN",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "inf",
    ] {
        check_asked("retry-after", nonsense, None);
    }
    check_asked("retry-after", "1e300", Some(u64::MAX));
}

#[test]
fn dates_agree_with_the_clock_of_core() {
    for (text, date) in [
        ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01"),
        ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29"),
        ("Sun, 22 Nov 2026 20:51:13 GMT", "2026-11-22"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31"),
    ] {
        assert_eq!(http_date(text).map(Timestamp::date).as_deref(), Some(date));
    }
}
