//! Tests of how long something is left, and of what keeps being chosen.

use thymos_core::Timestamp;

use super::told::left;

#[test]
fn what_is_left_is_told_in_the_unit_that_fits() {
    let now = Timestamp(1_000_000);
    for (ms, expected) in [
        (0, "under 1 min"),
        (59_999, "under 1 min"),
        (60_000, "1 min"),
        (90 * 60_000, "90 min"),
        (3 * 3_600_000, "3 h"),
        (3 * 86_400_000, "3 d"),
    ] {
        assert_eq!(left(now, now.plus_ms(ms)), expected);
    }
}
