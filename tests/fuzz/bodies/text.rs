//! No text from elsewhere moves a terminal's cursor, in any format; and every layout ends.

use crate::outcome::{Account, Outcome, SecretInfo, Team, Timestamp};
use crate::output::{View, outcome};
use crate::request::Format;
use crate::secret::{Owner, StoredType};
use crate::text::{is_invisible, safe};
use unicode_width::UnicodeWidthStr;

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
    let team = |uid: &str| Team {
        uid: uid.to_owned(),
        name: description.to_owned(),
        public_key: None,
    };
    let listed = |names_only| Outcome::Listed {
        secrets: vec![row.clone(), other.clone()],
        teams: vec![team(name), team("other")],
        names_only,
        note: None,
    };
    let account = Account {
        actor: name.to_owned(),
        is_service_account: width % 2 == 0,
        public_key: None,
        display_name: Some(name.to_owned()),
        email: Some(description.to_owned()),
        workspace: Some((name.to_owned(), description.to_owned())),
        teams: vec![team(name)],
    };
    for shown in [listed(false), listed(true), Outcome::WhoAmI(account)] {
        check(&shown, now, width.into());
    }
}

fn check(shown: &Outcome, now: Timestamp, width: usize) {
    for format in [Format::Pretty, Format::Text, Format::Json, Format::Ndjson] {
        let view = View {
            format,
            now,
            width: Some(width),
            colour: false,
        };
        let mut out = Vec::new();
        outcome(shown, &view, &mut out, &mut Vec::new()).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.ends_with('\n'));
        assert!(!out.chars().any(|c| is_invisible(c) && c != '\n'));
        let is_table = matches!(
            shown,
            Outcome::Listed {
                names_only: false,
                ..
            }
        );
        if is_table && !format.is_machine() {
            // The least width of a framed table.
            let widest = out.lines().map(UnicodeWidthStr::width).max();
            assert!(widest <= Some(width.max(37)), "{out}");
        }
    }
}
