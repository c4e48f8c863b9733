//! The line editor is told what a simple model of it says, whatever keys come; and what it keeps is bounded.

use crate::value::line_editor::{LineEditor, Step};

const LIMIT: usize = 24;

pub fn run(data: &[u8]) {
    let Some((&how, keys)) = data.split_first() else {
        return;
    };
    let tabs = how & 1 != 0;
    let mut line = LineEditor::new(LIMIT, tabs);
    let mut model = Some(String::new());
    for &key in keys {
        let before = line.text().to_vec();
        let step = line.feed(key);
        let text = line.text();
        assert!(text.len() <= LIMIT + 1);
        match step {
            Step::Typed => assert!(text.len() == before.len() + 1 && line.last().is_some()),
            Step::Erased => assert!(text.len() < before.len() && before.starts_with(text)),
            Step::Quiet => {
                assert!(text == before || (text.len() == before.len() + 1 && line.last().is_none()))
            }
            Step::Done | Step::Cancelled => assert_eq!(text, before),
        }
        assert!(
            !text
                .iter()
                .any(|byte| *byte < 0x20 && !(tabs && *byte == b'\t'))
        );
        model = model.and_then(|text| expected(text, key, tabs));
        if let Some(model) = &model {
            assert_eq!(text, model.as_bytes());
        }
        if line.awaits_rest() && how & 2 != 0 {
            assert_eq!(line.pause(), Step::Cancelled);
            return;
        }
        if matches!(step, Step::Done | Step::Cancelled) {
            break;
        }
    }
    let text = line.text().to_vec();
    assert_eq!(line.into_text().expose(), text);
}

/// What the line holds after a key, as far as plain characters and the editing keys go; `None` from then on.
fn expected(mut text: String, key: u8, tabs: bool) -> Option<String> {
    match key {
        0x20..=0x7e if text.len() <= LIMIT => text.push(char::from(key)),
        0x20..=0x7e => {}
        b'\t' if tabs && text.len() <= LIMIT => text.push('\t'),
        0x08 | 0x7f => drop(text.pop()),
        0x15 => text.clear(),
        0x17 => {
            let kept = text.trim_end_matches([' ', '\t']);
            text.truncate(kept.rfind([' ', '\t']).map_or(0, |at| at + 1));
        }
        0x80.. | 0x1b => return None,
        _ => {}
    }
    Some(text)
}
