//! A reply is read the same however it is cut, and what is read of it is bounded.

use crate::net::http::{MAX_BODY, Message, Reader, ReplyError, media_type, retry_after};

// The first byte: what was asked, how the connection ends, and how the reply is cut.
pub fn run(data: &[u8]) {
    let Some((&how, bytes)) = data.split_first() else {
        return;
    };
    let (tunnel, clean) = (how & 1 != 0, how & 2 != 0);
    let whole = read(tunnel, clean, &[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(tunnel, clean, &single), whole);
    let pieces: Vec<&[u8]> = bytes.chunks(usize::from(how >> 2) + 2).collect();
    assert_eq!(read(tunnel, clean, &pieces), whole);
    if let Ok(message) = whole {
        assert!((200..1000).contains(&message.status) && message.body.len() <= MAX_BODY);
        assert!(message.body.len() <= bytes.len());
        if let Some(value) = &message.retry_after {
            let _ = retry_after(value, 1_767_323_045);
        }
        if let Some(value) = &message.content_type {
            assert!(!media_type(value).chars().any(char::is_control));
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = retry_after(text, 0);
        let _ = retry_after(text, i64::MAX / 1_000_000_000);
    }
}

fn read(tunnel: bool, clean: bool, pieces: &[&[u8]]) -> Result<Message, ReplyError> {
    let mut reader = if tunnel {
        Reader::tunnel()
    } else {
        Reader::reply()
    };
    for piece in pieces {
        reader.feed(piece)?;
    }
    reader.end(clean)?;
    Ok(reader.into_message())
}
