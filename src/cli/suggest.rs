//! Guesses which word of a table a mistyped word was meant to be, and never hands back what was typed.

/// Longer words are not guessed at: the work is quadratic, and no word of the table is as long.
const MAX_WORD: usize = 32;

/// The candidate closest to `typed`, if one is close: one slip for every three letters, or a beginning of three letters
/// or more. Of equally close ones the first.
pub fn closest<'a>(typed: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > MAX_WORD {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let slips = if typed.len() >= 3 && candidate.starts_with(typed) {
            1
        } else {
            distance(typed.as_bytes(), candidate.as_bytes())
        };
        let allowed = candidate.len().min(typed.len()).div_ceil(3).min(3);
        if slips <= allowed && best.is_none_or(|(fewest, _)| slips < fewest) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment), in
/// bytes.
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
            let mut cost = (at(&above, column) + usize::from(x != y))
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("upd", Some("update")),
            ("lst", Some("list")),
            ("remove", None),
            ("l", None),
            ("", None),
            ("sk-ant-0123456789", None),
        ] {
            assert_eq!(closest(typed, words.into_iter()), meant, "{typed}");
        }
        for (length, is_guessed) in [(32, true), (33, false)] {
            let word = "a".repeat(length);
            let guess = closest(&word, [word.as_str()].into_iter());
            assert_eq!(guess.is_some(), is_guessed, "{length}");
        }
    }
}
