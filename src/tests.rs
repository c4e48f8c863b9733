//! The README's tables, compared with the program's.

use crate::cli::{options, table};
use std::collections::HashSet;

const README: &str = include_str!("../README.md");

/// The first cells of the table under a heading, without back-quotes.
fn first_cells(heading: &str) -> Vec<String> {
    let section = README
        .split(heading)
        .nth(1)
        .unwrap_or_else(|| panic!("{heading:?} is a heading"));
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(1).unwrap().trim().replace('`', ""))
        .collect()
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let codes: Vec<u8> = table::EXITS.iter().map(|(code, _)| *code).collect();
    let written: Vec<u8> = first_cells("## Exit codes\n")
        .iter()
        .flat_map(|cell| {
            cell.split(", ")
                .map(|code| code.parse().unwrap())
                .collect::<Vec<u8>>()
        })
        .collect();
    assert_eq!(written, codes);
}

#[test]
fn every_option_and_variable_is_explained() {
    let text = words(README);
    let variables = first_cells("## Environment\n").join(" ");
    let variables = words(&variables);
    // The type `vault` is one of unit tests.
    for option in options::OPTIONS
        .iter()
        .filter(|option| !option.long.starts_with("--vault"))
    {
        let flag = option.long;
        assert!(text.contains(flag), "the README lacks {flag}");
        if let Some(variable) = option.variable {
            assert!(variables.contains(variable), "the README lacks {variable}");
        }
    }
    for variable in table::VARIABLES.iter().flat_map(|row| row.0.split(", ")) {
        assert!(variables.contains(variable), "the README lacks {variable}");
    }
}

/// The words of a text, with the hyphens of flags and the underscores of variables.
fn words(text: &str) -> HashSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !['-', '_'].contains(&c))
        .collect()
}
