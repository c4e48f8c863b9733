//! Makes text from elsewhere safe to print: the server's names and messages, and causes from the system. Finds the word
//! that a mistyped one was meant to be.

use std::borrow::Cow;
use std::collections::BinaryHeap;

/// Replaces every invisible character by its escape (`\u{1b}`, `\n`), so that text can neither move the cursor, colour
/// the screen or reorder a line, nor look like other text. Combining marks are kept.
pub fn safe(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_invisible(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// The longest excerpt in characters. A longer text from the server is no message but a page.
pub const MAX_EXCERPT: usize = 400;

/// The start of a text, safe to print, with an ellipsis where it is longer than [`MAX_EXCERPT`].
pub fn excerpt(text: &str) -> String {
    // An escape is longer than its character, so nothing after this many characters can be shown.
    let end = text.char_indices().nth(MAX_EXCERPT + 1);
    let safe = safe(end.map_or(text, |(end, _)| text.get(..end).unwrap_or(text)));
    match safe.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", safe.get(..end).unwrap_or_default()),
        None => safe.into_owned(),
    }
}

/// Whether the text is printable ASCII, as nearly every text is. This is faster than looking at characters.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a character is a control character or has no visible glyph. Spaces count as visible.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || !character.is_ascii()
            && INVISIBLE
                .iter()
                .any(|(first, last)| (first..=last).contains(&&character))
}

/// Unicode's Default_Ignorable_Code_Point, Line_Separator, Paragraph_Separator, Format without
/// Prepended_Concatenation_Mark, and the characters whose glyph is blank: BRAILLE PATTERN BLANK, EGYPTIAN HIEROGLYPH
/// FULL BLANK and HALF BLANK, KHITAN SMALL SCRIPT FILLER, MUSICAL SYMBOL NULL NOTEHEAD. A test compares it with the
/// published tables.
const INVISIBLE: [(char, char); 22] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{13441}', '\u{13442}'),
    ('\u{16fe4}', '\u{16fe4}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Longer words are not guessed at: the work is quadratic, and no name of a secret that people type is as long.
const MAX_WORD: usize = 32;

/// The candidate closest to `typed`, if one is close: one slip for every three letters, and at most three. Of equally
/// close ones the first.
pub fn closest<'a>(typed: &str, candidates: &[&'a str]) -> Option<&'a str> {
    if typed.len() > MAX_WORD {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for &candidate in candidates {
        let allowed = (candidate.len().min(typed.len()) / 3).min(3);
        // A longer word takes as many insertions.
        if candidate.len().abs_diff(typed.len()) > allowed {
            continue;
        }
        let slips = distance(typed.as_bytes(), candidate.as_bytes());
        if slips <= allowed && best.is_none_or(|(fewest, _)| slips < fewest) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment), in
/// bytes. Upper and lower case are one.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (row, &x) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut left = None;
        for (column, &y) in b.iter().enumerate() {
            let at =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&above, column) + usize::from(!x.eq_ignore_ascii_case(&y)))
                .min(at(&above, column + 1) + 1)
                .min(at(&current, column) + 1);
            if left == Some(x) && previous == Some(y) {
                cost = cost.min(at(&before, column.wrapping_sub(1)) + 1);
            }
            current.push(cost);
            left = Some(y);
        }
        previous = Some(x);
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

/// Whether two of the texts are the same. A heap takes `n log n` steps, whatever they are, and a tenth of the code of a
/// sort.
pub fn has_duplicates(mut texts: BinaryHeap<&[u8]>) -> bool {
    while let Some(text) = texts.pop() {
        if texts.peek() == Some(&text) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, HirKind};

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in [
            "",
            "plain",
            "grüße ✓ 🔑",
            "日本語",
            "a'b\"c\\d",
            "e\u{301} \u{600}1",
        ] {
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

    #[test]
    fn the_table_is_the_published_one() {
        let published = regex_syntax::parse(
            r"[[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cf}]--\p{Prepended_Concatenation_Mark}]",
        )
        .unwrap();
        let HirKind::Class(Class::Unicode(published)) = published.kind() else {
            panic!("no class of characters");
        };
        let blank = [
            '\u{2800}',
            '\u{13441}',
            '\u{13442}',
            '\u{16fe4}',
            '\u{1d159}',
        ];
        for character in '\0'..=char::MAX {
            let expected = character.is_control()
                || blank.contains(&character)
                || published
                    .iter()
                    .any(|range| (range.start()..=range.end()).contains(&character));
            assert_eq!(is_invisible(character), expected, "{character:?}");
        }
    }

    #[test]
    fn slips_are_counted() {
        for (a, b, slips) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("force", "forse", 1),
            ("create", "craete", 1),
            ("list", "lsit", 1),
            ("kitten", "sitting", 3),
            ("token", "TOKEN", 0),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), slips, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_close_is_offered() {
        let words = ["create", "update", "delete", "list"];
        for (typed, meant) in [
            ("creat", Some("create")),
            ("cerate", Some("create")),
            ("LIST", Some("list")),
            ("upd", None),
            ("lst", Some("list")),
            ("remove", None),
            ("l", None),
            ("", None),
            ("sk-ant-0123456789", None),
        ] {
            assert_eq!(closest(typed, &words), meant, "{typed}");
        }
        for (length, is_guessed) in [(32, true), (33, false)] {
            let word = "a".repeat(length);
            let guess = closest(&word, &[&word]);
            assert_eq!(guess.is_some(), is_guessed, "{length}");
        }
    }
}
