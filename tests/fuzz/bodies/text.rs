//! No text from elsewhere moves a terminal's cursor, in any format; and every layout ends.

use crate::outcome::{Outcome, SecretInfo, Timestamp};
use crate::output::{View, outcome};
use crate::request::Format;
use crate::secret::{Owner, StoredType};
use crate::text::{is_invisible, safe};

pub fn run(data: &[u8]) {
    let Some((&width, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    assert_eq!(safe(&safe(text)), safe(text));
    let now = Timestamp {
        seconds: 0,
        nanoseconds: 0,
    };
    let (name, description) = text.split_once('|').unwrap_or((text, ""));
    let row = SecretInfo {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        owner: Owner::Team(name.to_owned()),
        stored_type: StoredType::Other(description.to_owned()),
        created: now,
        updated: now,
    };
    let mut other = row.clone();
    other.owner = Owner::Other(description.to_owned());
    let listed = Outcome::Listed {
        secrets: vec![row, other],
        note: None,
    };
    for format in [Format::Pretty, Format::Text, Format::Json, Format::Ndjson] {
        let view = View {
            format,
            now,
            width: Some(width.into()),
        };
        let mut shown = Vec::new();
        outcome(&listed, &view, &mut shown, &mut Vec::new()).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.ends_with('\n'));
        assert!(!shown.chars().any(|c| is_invisible(c) && c != '\n'));
    }
}
