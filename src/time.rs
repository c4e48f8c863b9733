//! Instants and durations as text: RFC 3339 in and out with the calendar between, and seconds for messages.

use crate::outcome::Timestamp;
use std::time::Duration;

/// Seconds of a day without a leap second.
const DAY: i64 = 86_400;
/// Days from 0000-01-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH: i64 = 719_528;
/// The first second of the year 0, and the last one of the year 9999: RFC 3339 has no others.
const FIRST: i64 = -62_167_219_200;
const LAST: i64 = 253_402_300_799;
const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
/// Days before each month of a common year.
const BEFORE_MONTH: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Reads an RFC 3339 `date-time` (section 5.6). Digits of the fraction beyond the ninth are dropped; a leap second
/// is the first one of the next minute. `None` for anything else, and outside the years 0 to 9999 in UTC.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4)?;
    byte(&mut rest, b"-")?;
    let month = digits(&mut rest, 2)?;
    byte(&mut rest, b"-")?;
    let day = digits(&mut rest, 2)?;
    byte(&mut rest, b"Tt")?;
    let time = time_of_day(&mut rest)?;
    let nanoseconds = fraction(&mut rest)?;
    let offset = offset(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let seconds = days(year, month, day)? * DAY + time - offset;
    (FIRST..=LAST).contains(&seconds).then_some(Timestamp {
        seconds,
        nanoseconds,
    })
}

/// Reads the form of an HTTP date that senders have to use, `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110
/// section 5.6.7), in seconds since 1970. The name of the day is not compared with the date.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let (day_name, rest) = text.split_once(',')?;
    let mut rest = rest.as_bytes();
    byte(&mut rest, b" ")?;
    let day = digits(&mut rest, 2)?;
    byte(&mut rest, b" ")?;
    let (name, after) = rest.split_at_checked(3)?;
    rest = after;
    let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
    byte(&mut rest, b" ")?;
    let year = digits(&mut rest, 4)?;
    byte(&mut rest, b" ")?;
    let time = time_of_day(&mut rest)?;
    (day_name.len() == 3 && rest == b" GMT").then_some(days(year, month, day)? * DAY + time)
}

/// Appends `YYYY-MM-DDTHH:MM:SSZ`, with 3, 6 or 9 digits of a fraction where they are needed. An instant outside the
/// years 0 to 9999 is written as the nearest one inside.
pub fn push_rfc3339(instant: Timestamp, out: &mut String) {
    let seconds = instant.seconds.clamp(FIRST, LAST);
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    push_digits(year, 4, out);
    for (separator, number) in [
        ('-', month),
        ('-', day),
        ('T', second / 3600),
        (':', second / 60 % 60),
        (':', second % 60),
    ] {
        out.push(separator);
        push_digits(number, 2, out);
    }
    let nanoseconds = i64::from(instant.nanoseconds);
    if nanoseconds != 0 {
        out.push('.');
        if nanoseconds % 1_000_000 == 0 {
            push_digits(nanoseconds / 1_000_000, 3, out);
        } else if nanoseconds % 1000 == 0 {
            push_digits(nanoseconds / 1000, 6, out);
        } else {
            push_digits(nanoseconds, 9, out);
        }
    }
    out.push('Z');
}

/// Appends a number that is not negative, with zeros before it up to `width` digits.
pub fn push_digits(number: i64, width: usize, out: &mut String) {
    let start = out.len();
    let mut rest = number;
    while rest > 0 || out.len() - start < width {
        let digit = u8::try_from(rest % 10).unwrap_or(0);
        out.insert(start, char::from(b'0' + digit));
        rest /= 10;
    }
}

/// A duration for messages, to the millisecond: `60 s`, `0.25 s`.
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match duration.subsec_millis() {
        0 => format!("{whole} s"),
        millis => {
            let fraction = format!("{millis:03}");
            format!("{whole}.{} s", fraction.trim_end_matches('0'))
        }
    }
}

/// Days from 1970-01-01 to a date; `None` if the calendar has no such date.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let index = usize::try_from(month).ok()?.checked_sub(1)?;
    let before = *BEFORE_MONTH.get(index)?;
    let after = BEFORE_MONTH.get(index + 1).copied().unwrap_or(365);
    let leap = i64::from(is_leap(year));
    let length = after - before + if month == 2 { leap } else { 0 };
    let shift = if month > 2 { leap } else { 0 };
    (1..=length)
        .contains(&day)
        .then(|| days_before_year(year) + before + shift + day - 1 - EPOCH)
}

/// Year, month and day of a day counted from 1970-01-01, from the year 0 on.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    // 146,097 days are 400 years; the estimate is at most one year off.
    let mut year = days * 400 / 146_097;
    if days_before_year(year + 1) <= days {
        year += 1;
    } else if days_before_year(year) > days {
        year -= 1;
    }
    let day = days - days_before_year(year);
    let leap = i64::from(is_leap(year));
    let mut month = 1;
    let mut first = 0;
    for (number, before) in (1..).zip(BEFORE_MONTH) {
        let start = before + if number > 2 { leap } else { 0 };
        if start <= day {
            month = number;
            first = start;
        }
    }
    (year, month, day - first + 1)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 0000-01-01 to the first of January of a year from 0 on. The year 0 is a leap year.
fn days_before_year(year: i64) -> i64 {
    365 * year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400
}

fn byte(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    allowed.contains(&first).then(|| {
        *rest = after;
        first
    })
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (text, after) = rest.split_at_checked(count)?;
    *rest = after;
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// `HH:MM:SS` in seconds; a leap second is the first second of the next minute.
fn time_of_day(rest: &mut &[u8]) -> Option<i64> {
    let hour = digits(rest, 2)?;
    byte(rest, b":")?;
    let minute = digits(rest, 2)?;
    byte(rest, b":")?;
    let second = digits(rest, 2)?;
    (hour <= 23 && minute <= 59 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// The fraction of a second in nanoseconds; 0 if there is none, `None` if there is a dot without a digit.
fn fraction(rest: &mut &[u8]) -> Option<u32> {
    if byte(rest, b".").is_none() {
        return Some(0);
    }
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (text, after) = rest.split_at_checked(count).filter(|_| count > 0)?;
    *rest = after;
    let padded = text.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(padded.fold(0, |number, byte| number * 10 + u32::from(byte - b'0')))
}

/// Seconds east of UTC.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match byte(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = digits(rest, 2)?;
    byte(rest, b":")?;
    let minutes = digits(rest, 2)?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests;
