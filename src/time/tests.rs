use super::*;

fn written(seconds: i64, nanoseconds: u32) -> String {
    let mut out = String::new();
    let instant = Timestamp {
        seconds,
        nanoseconds,
    };
    push_rfc3339(instant, &mut out);
    out
}

#[test]
fn what_is_read() {
    for (text, seconds, nanoseconds) in [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("2026-01-02T03:04:05Z", 1_767_323_045, 0),
        ("2026-01-02t03:04:05z", 1_767_323_045, 0),
        ("2026-01-02T03:04:05.12Z", 1_767_323_045, 120_000_000),
        (
            "2026-01-02T03:04:05.123456789987Z",
            1_767_323_045,
            123_456_789,
        ),
        ("2026-01-02T05:04:05+02:00", 1_767_323_045, 0),
        ("2026-01-01T21:34:05.5-05:30", 1_767_323_045, 500_000_000),
        ("2026-01-02T03:04:05-00:00", 1_767_323_045, 0),
        ("2016-12-31T23:59:60Z", 1_483_228_800, 0),
        ("2000-02-29T00:00:00Z", 951_782_400, 0),
        ("1969-12-31T23:59:59.999Z", -1, 999_000_000),
        ("0000-01-01T00:00:00Z", FIRST, 0),
        ("0000-02-29T00:00:00Z", FIRST + 59 * DAY, 0),
        ("9999-12-31T23:59:59.999999999Z", LAST, 999_999_999),
        ("9999-12-31T23:59:59+23:59", LAST - 86_340, 0),
    ] {
        let expected = Timestamp {
            seconds,
            nanoseconds,
        };
        assert_eq!(parse_rfc3339(text), Some(expected), "{text}");
    }
}

#[test]
fn what_is_not() {
    for text in [
        "",
        "2026-01-02",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T24:00:00Z",
        "2026-00-02T03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-12-32T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "+2026-01-02T03:04:05Z",
        "-026-01-02T03:04:05Z",
        "20260-01-02T03:04:05Z",
        "2026-1-02T03:04:05Z",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+02:60",
        "2026-01-02T03:04:05+02",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "２026-01-02T03:04:05Z",
    ] {
        assert_eq!(parse_rfc3339(text), None, "{text}");
    }
}

#[test]
fn fractions_have_as_many_digits_as_they_need() {
    for (nanoseconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (120_000_000, "1970-01-01T00:00:00.120Z"),
        (1_000_000, "1970-01-01T00:00:00.001Z"),
        (123_456_000, "1970-01-01T00:00:00.123456Z"),
        (1000, "1970-01-01T00:00:00.000001Z"),
        (100, "1970-01-01T00:00:00.000000100Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (999_999_999, "1970-01-01T00:00:00.999999999Z"),
    ] {
        assert_eq!(written(0, nanoseconds), text);
    }
    assert_eq!(written(i64::MIN, 0), "0000-01-01T00:00:00Z");
    assert_eq!(written(i64::MAX, 0), "9999-12-31T23:59:59Z");
}

#[test]
fn every_day_survives() {
    let mut expected = (0, 1, 1);
    for day in FIRST / DAY..=LAST / DAY {
        assert_eq!(date(day), expected);
        let (year, month, number) = expected;
        assert_eq!(days(year, month, number), Some(day));
        expected = if days(year, month, number + 1).is_some() {
            (year, month, number + 1)
        } else if month < 12 {
            (year, month + 1, 1)
        } else {
            (year + 1, 1, 1)
        };
    }
    assert_eq!(expected, (10_000, 1, 1));
}

#[test]
fn every_second_of_a_day_survives() {
    for seconds in 1_767_323_045..1_767_323_045 + DAY {
        let text = written(seconds, 0);
        assert_eq!(parse_rfc3339(&text).unwrap().seconds, seconds, "{text}");
    }
}

#[test]
fn http_dates() {
    for (text, seconds) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Thu, 01 Jan 1970 00:00:01 GMT", Some(1)),
        ("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_200)),
        ("Mon, 01 Mar 2100 00:00:00 GMT", Some(4_107_542_400)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun Nov  6 08:49:37 1994", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:60:00 GMT", None),
        ("Sun, 06 Nov 1994 08:49:61 GMT", None),
        ("Sun, 06 Nov 1994 8:49:37 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 31 Nov 1994 08:49:37 GMT", None),
        ("Thu, 29 Feb 2023 23:59:59 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 94 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT x", None),
        ("Sunday, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994", None),
        ("", None),
    ] {
        assert_eq!(parse_http_date(text), seconds, "{text}");
    }
}

#[test]
fn seconds_are_short() {
    for (millis, words) in [
        (60_000, "60 s"),
        (250, "0.25 s"),
        (1_500, "1.5 s"),
        (1_005, "1.005 s"),
        (0, "0 s"),
    ] {
        assert_eq!(seconds(Duration::from_millis(millis)), words);
    }
}
