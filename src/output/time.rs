//! How long ago something was, in words.

use crate::outcome::Timestamp;
use crate::time::push_digits;

/// Milliseconds of each unit, the longest first, with its singular and plural. A year is 365.25 days, a month 30.44.
const UNITS: [(i64, &str, &str); 6] = [
    (31_557_600_000, " year ago", " years ago"),
    (2_630_016_000, " month ago", " months ago"),
    (604_800_000, " week ago", " weeks ago"),
    (86_400_000, " day ago", " days ago"),
    (3_600_000, " hour ago", " hours ago"),
    (60_000, " min ago", " min ago"),
];

/// Appends the time from `then` to `now` in the largest unit that fits; less than a minute, and the future, is
/// `just now`.
pub fn push_relative(then: Timestamp, now: Timestamp, out: &mut String) {
    let elapsed = milliseconds(then, now);
    for &(unit, singular, plural) in &UNITS {
        if elapsed >= unit {
            let count = elapsed / unit;
            push_digits(count, 1, out);
            out.push_str(if count == 1 { singular } else { plural });
            return;
        }
    }
    out.push_str("just now");
}

/// Whole milliseconds that passed; what does not fit is the longest time.
fn milliseconds(then: Timestamp, now: Timestamp) -> i64 {
    let seconds = now.seconds.saturating_sub(then.seconds);
    let nanoseconds = i64::from(now.nanoseconds) - i64::from(then.nanoseconds);
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds.div_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        const MINUTE: i64 = 60_000;
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;
        for (elapsed, expected) in [
            (i64::MIN / 1_000_000, "just now"),
            (-DAY, "just now"),
            (0, "just now"),
            (MINUTE - 1, "just now"),
            (MINUTE, "1 min ago"),
            (2 * MINUTE - 1, "1 min ago"),
            (2 * MINUTE, "2 min ago"),
            (HOUR - 1, "59 min ago"),
            (HOUR, "1 hour ago"),
            (2 * HOUR, "2 hours ago"),
            (DAY - 1, "23 hours ago"),
            (DAY, "1 day ago"),
            (7 * DAY - 1, "6 days ago"),
            (7 * DAY, "1 week ago"),
            (14 * DAY, "2 weeks ago"),
            (2_630_016_000 - 1, "4 weeks ago"),
            (2_630_016_000, "1 month ago"),
            (2 * 2_630_016_000, "2 months ago"),
            (31_557_600_000 - 1, "11 months ago"),
            (31_557_600_000, "1 year ago"),
            (10 * 31_557_600_000, "10 years ago"),
        ] {
            let now = Timestamp {
                seconds: 1_000_000_000_000,
                nanoseconds: 500_000_000,
            };
            let total = 500 - elapsed;
            let then = Timestamp {
                seconds: now.seconds + total.div_euclid(1000),
                nanoseconds: u32::try_from(total.rem_euclid(1000)).unwrap() * 1_000_000,
            };
            let mut out = String::from("|");
            push_relative(then, now, &mut out);
            assert_eq!(out, format!("|{expected}"), "{elapsed}");
        }
    }

    #[test]
    fn the_whole_range_is_safe() {
        let [first, last] =
            [(i64::MIN, 0), (i64::MAX, 999_999_999)].map(|(seconds, nanoseconds)| Timestamp {
                seconds,
                nanoseconds,
            });
        for (then, now, expected) in [
            (first, last, "292271023 years ago"),
            (last, first, "just now"),
        ] {
            let mut out = String::new();
            push_relative(then, now, &mut out);
            assert_eq!(out, expected);
        }
    }
}
