//! The reader never panics or aborts, accepts nothing that another parser refuses, and reads strings as it does; what
//! the writer writes, the reader reads.

use crate::json::{self, Node, ParseError, Writer};
use serde_json::Value;

pub fn run(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data);
    match (json::parse(&mut data.to_vec(), &|_| {}), &theirs) {
        (Ok(root), Ok(value)) => compare(root, value),
        // Nobody reads a number, so one that no double holds does no harm.
        (Ok(_), Err(error)) => assert!(
            error.to_string().starts_with("number out of range"),
            "accepted, but {error}"
        ),
        (Err(ParseError::Syntax { .. } | ParseError::NotUtf8 { .. }), Ok(_)) => panic!("refused"),
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(data) {
        round_trip(text);
    }
}

fn compare(ours: Node<'_>, theirs: &Value) {
    assert_eq!(ours.is_null(), theirs.is_null());
    assert_eq!(ours.text(), theirs.as_str());
    assert_eq!(ours.is_object(), theirs.is_object());
    assert_eq!(
        ours.items().map(Iterator::count),
        theirs.as_array().map(Vec::len)
    );
    assert_eq!(
        ours.members().map(Iterator::count),
        theirs.as_object().map(serde_json::Map::len)
    );
    for (ours, theirs) in ours
        .items()
        .into_iter()
        .flatten()
        .zip(theirs.as_array().into_iter().flatten())
    {
        compare(ours, theirs);
    }
    for (key, theirs) in theirs.as_object().into_iter().flatten() {
        compare(ours.get(key).expect(key), theirs);
    }
}

fn round_trip(text: &str) {
    let mut out = Vec::new();
    Writer::new(&mut out).string(text);
    assert_eq!(out, serde_json::to_vec(text).unwrap());
    assert_eq!(out.len(), json::escaped_len(text.as_bytes()) + 2);
    out.clear();
    Writer::new(&mut out).array(|w| {
        w.string(text);
        w.object(|w| w.key("k").printable(text));
    });
    let Ok(root) = json::parse(&mut out, &|_| {}) else {
        panic!("a refusal of what was written");
    };
    let mut items = root.items().unwrap();
    assert_eq!(items.next().unwrap().text(), Some(text));
    assert_eq!(items.next().unwrap().get("k").unwrap().text(), Some(text));
}
