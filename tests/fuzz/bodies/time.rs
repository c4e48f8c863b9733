//! An instant that is read is written as text that reads as the same instant.

use crate::outcome::Timestamp;
use crate::time::{parse_rfc3339, push_rfc3339};

pub fn run(data: &[u8]) {
    if let Some(instant) = std::str::from_utf8(data).ok().and_then(parse_rfc3339) {
        assert_eq!(parse_rfc3339(&written(instant)), Some(instant));
    }
    if let Some((seconds, _)) = data.split_first_chunk::<8>() {
        let seconds = i64::from_le_bytes(*seconds);
        for seconds in [seconds, seconds >> 26] {
            let text = written(Timestamp {
                seconds,
                nanoseconds: 0,
            });
            assert_eq!(text.len(), 20);
            let read = parse_rfc3339(&text).expect("a refusal of what was written");
            assert!(
                read.seconds == seconds || !(-62_167_219_200..=253_402_300_799).contains(&seconds)
            );
        }
    }
}

fn written(instant: Timestamp) -> String {
    let mut out = String::new();
    push_rfc3339(instant, &mut out);
    out
}
