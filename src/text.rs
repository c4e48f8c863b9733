//! Owns making foreign text safe to print: names and messages of the server, causes from the system.
//! Must not know what the text means, nor which stream it goes to.

use std::borrow::Cow;

/// Replaces what could move the cursor, colour the screen or reorder a line by its escape (`\u{1b}`, `\n`).
///
/// That is every control character (C0, DEL, C1), the line and paragraph separators, the bidirectional controls of
/// UAX #9 and the invisible tag characters. Everything else is kept, so that ordinary text in any script reads as is.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    // Nearly every text is of this kind, and a byte is quicker to judge than a character.
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in ["", "plain", "grüße ✓ 🔑", "日本語", "a'b\"c\\d"] {
            assert!(
                matches!(safe(text), Cow::Borrowed(t) if t == text),
                "{text}"
            );
        }
    }

    #[test]
    fn what_moves_a_terminal_is_escaped() {
        assert_eq!(safe("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(safe("one\r\ntwo\tthree"), "one\\r\\ntwo\\tthree");
        assert_eq!(safe("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(safe("a\u{202e}b\u{2066}"), "a\\u{202e}b\\u{2066}");
        assert_eq!(safe("\0\x7f"), "\\u{0}\\u{7f}");
    }
}
