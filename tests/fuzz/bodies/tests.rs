//! Runs the bodies without a fuzzer: on their seeds, and on inputs made from those at random.
//!
//! A failure prints the number the inputs were made from. `OZ_FUZZ_SEED=NUMBER cargo test --lib fuzz::tests::NAME` makes
//! the same ones again.

#![allow(clippy::print_stdout)]

use fastrand::Rng;
use std::fs;
use std::path::Path;

/// Declares the test of each body.
macro_rules! bodies {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            exercise(stringify!($name), super::$name::run);
        }
    )* };
}

bodies! { address argv http import json keyset line reply text time value }

/// How many inputs are generated from one seed number.
const INPUTS: usize = 4000;

/// Longer ones are cut.
const MAX_INPUT: usize = 1024;

/// Inserted as they are: the characters that parsers and terminals treat differently from the rest.
const PIECES: [&str; 24] = [
    "\0",
    "\t",
    "\n",
    "\r\n",
    "\r\n\r\n",
    "\u{1b}[",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{feff}",
    "ä",
    "日",
    "🔑",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "[[[[",
    "}",
    ",",
    ":",
    "=",
    "99999999999999999999",
    "-1",
];

fn exercise(name: &str, run: fn(&[u8])) {
    let seeds = seeds(name);
    for seed in &seeds {
        run_one(seed, run);
    }
    let drawn = std::env::var("OZ_FUZZ_SEED")
        .map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    for number in [1, drawn] {
        println!("OZ_FUZZ_SEED={number}");
        let mut rng = Rng::with_seed(number);
        for _ in 0..INPUTS {
            run_one(&input(&mut rng, &seeds), run);
        }
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(name);
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    // The same number makes the same inputs on every file system.
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run_one(input: &[u8], run: fn(&[u8])) {
    /// Shows the input of a body that panics.
    struct Shown<'a>(&'a [u8]);

    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("input: \"{}\"", self.0.escape_ascii());
            }
        }
    }

    let _shown = Shown(input);
    run(input);
}

/// A seed with some changes, or random bytes.
fn input(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = if rng.u8(..) < 16 {
        let length = rng.usize(..64);
        std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
    } else {
        choice(rng, seeds).clone()
    };
    for _ in 0..rng.usize(1..6) {
        change(rng, &mut bytes, seeds);
        bytes.truncate(MAX_INPUT);
    }
    bytes
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let (start, end) = range(rng, bytes.len());
    let inserted = match rng.u8(..8) {
        0 | 1 => {
            // Most are one bit away from another character of the same text.
            if let Some(byte) = bytes.get_mut(start) {
                *byte ^= 1 << rng.u8(..8);
            }
            return;
        }
        2 => return drop(bytes.drain(start..end)),
        3 => vec![rng.u8(..)],
        4 => choice(rng, &PIECES).as_bytes().to_vec(),
        5 => bytes[start..end].repeat(rng.usize(1..8)),
        _ => {
            let other = choice(rng, seeds);
            let (start, end) = range(rng, other.len());
            other[start..end].to_vec()
        }
    };
    // In between, or in the place of what is there.
    let end = if rng.bool() { start } else { end };
    bytes.splice(start..end, inserted);
}

/// Most ranges are short.
fn range(rng: &mut Rng, length: usize) -> (usize, usize) {
    let start = rng.usize(..=length);
    let longest = if rng.bool() { 4 } else { length };
    (start, (start + rng.usize(..=longest)).min(length))
}

fn choice<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(..from.len())]
}
