use super::*;

#[test]
fn the_boundaries_of_records_are_found_however_they_are_cut() {
    // An empty record, one of 3 bytes, and one of 258.
    let mut bytes = vec![23, 3, 3, 0, 0, 23, 3, 3, 0, 3, 7, 7, 7, 22, 3, 3, 1, 2];
    bytes.resize(18 + 258, 23);
    let ends = [0, 5, 13, bytes.len()];
    for piece in 1..=bytes.len() {
        let mut boundaries = Boundaries::default();
        let mut at = 0;
        for part in bytes.chunks(piece) {
            boundaries.follow(part);
            at += part.len();
            assert_eq!(
                boundaries.is_between_records(),
                ends.contains(&at),
                "{piece} {at}"
            );
        }
    }
}

#[test]
fn names_as_people_list_them() {
    let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    for (count, expected) in [
        (0, ""),
        (1, "a"),
        (2, "a and b"),
        (3, "a, b and c"),
        (4, "a, b and 2 others"),
        (5, "a, b and 3 others"),
    ] {
        assert_eq!(list(&names[..count]), expected);
    }
}
