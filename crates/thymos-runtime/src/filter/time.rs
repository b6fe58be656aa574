//! Points in time as people type them: `2026-11-22`, `2026-11-22T14:00:00Z`, `2h`. Reads no clock.

use thymos_core::Timestamp;

const DAY_MS: u64 = 86_400_000;

/// The first and the last millisecond that the text names; none when it names no time.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    if let Some(ms) = span_ms(text) {
        let at = Timestamp(now.as_ms().saturating_sub(ms));
        return Some((at, at));
    }
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let start = days(date)?.checked_mul(DAY_MS)?;
    let Some(clock) = clock else {
        return Some((Timestamp(start), Timestamp(start + DAY_MS - 1)));
    };
    let at = Timestamp(start.checked_add_signed(clock_ms(clock)?)?);
    Some((at, at))
}

/// `250ms`, `10m`, `2h`, `3d` in milliseconds.
pub(super) fn span_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let amount: u64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)? {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        "w" => 7 * DAY_MS,
        _ => return None,
    };
    amount.checked_mul(unit)
}

/// Days since the epoch of `2026-11-22` (Hinnant's days-from-civil).
fn days(date: &str) -> Option<u64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2)?;
    let day = number(parts.next()?, 2)?;
    if parts.next().is_some() || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let (shifted_year, shifted_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = shifted_year / 400;
    let year_of_era = shifted_year % 400;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// Milliseconds of `14:07:11.5+01:00` into the day in UTC; may lie in a neighbouring day.
fn clock_ms(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = parts.next().map_or(Some(0), |text| number(text, 2))?;
    if parts.next().is_some() || second > 60 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?;
    let ms = (hour * 3600 + minute * 60 + second) * 1000 + thousandths;
    Some(i64::try_from(ms).ok()? - zone_ms(zone)?)
}

fn zone_ms(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let ms = (number(hours, 2)? * 60 + number(minutes, 2)?) * 60_000;
    let ms = i64::try_from(ms).ok()?;
    Some(if sign == "-" { -ms } else { ms })
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}
