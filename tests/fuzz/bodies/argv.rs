//! Any line and any variables end in a text, a request that keeps its promises, or a refusal that repeats none of them.

use crate::cli;
use crate::env::Environment;
use crate::error::ErrorKind;
use crate::output;
use crate::request::{Change, FieldSources, FileOrStdin, KeySource, ParseResult, Source, Verb};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

// Words are parted by line feeds; those before an empty one are variables. A NUL is in neither.
pub fn run(data: &[u8]) {
    let mut words: Vec<Vec<u8>> = data
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    for word in &mut words {
        word.retain(|byte| *byte != 0);
    }
    let variables = match words.iter().position(Vec::is_empty) {
        Some(end) => {
            let rest = words.split_off(end + 1);
            std::mem::replace(&mut words, rest)
        }
        None => Vec::new(),
    };
    let env = environment(&variables);
    let args = words
        .iter()
        .map(|word| OsString::from_vec(word.clone()))
        .collect();
    match cli::parse(args, &env) {
        Ok(ParseResult::Print(text)) => assert!(text.ends_with('\n')),
        Ok(ParseResult::Run(request)) => {
            let key_from_stdin = matches!(
                request.globals.api_key,
                KeySource::File {
                    path: FileOrStdin::Stdin,
                    ..
                }
            );
            assert!(request.globals.timeout.is_none_or(|time| !time.is_zero()));
            if let Some(sources) = sources(&request.verb) {
                check(sources, key_from_stdin);
            }
        }
        Err(usage) => {
            assert!(matches!(
                usage.error.kind,
                ErrorKind::Usage | ErrorKind::InvalidData
            ));
            let said = output::failure(&usage.error, usage.format, false);
            let said = String::from_utf8(said).expect("text");
            // Every message is made of these; what else came along came from the line.
            let foreign = said.find(|c: char| {
                !c.is_ascii_alphanumeric() && !" '-_,;:.()[]{}?\"=/<>`|%$\\\n".contains(c)
            });
            assert_eq!(foreign, None, "{said}");
            for word in &words {
                let odd = word.len() > 8 && word.iter().any(u8::is_ascii_uppercase);
                let known = [
                    "NAME", "FILE", "TEXT", "SHELL", "WARP_", "UTF-8", "UID", "NUL", "VALUE",
                ];
                let text = String::from_utf8_lossy(word);
                if odd && !known.iter().any(|known| text.contains(known)) {
                    assert!(!said.contains(&*text), "{said}");
                }
            }
        }
    }
}

fn environment(variables: &[Vec<u8>]) -> Environment {
    let mut known: HashMap<Vec<u8>, OsString> = HashMap::new();
    for variable in variables {
        if let Some(at) = variable.iter().position(|byte| *byte == b'=') {
            known.insert(
                variable[..at].to_vec(),
                OsString::from_vec(variable[at + 1..].to_vec()),
            );
        }
    }
    Environment::new(move |name| known.get(name.as_bytes()).cloned())
}

fn sources(verb: &Verb) -> Option<&FieldSources> {
    match verb {
        Verb::Create(create) => Some(&create.sources),
        Verb::Update(update) => match &update.change {
            Change::Value { sources, .. } => Some(sources),
            Change::Description(_) => None,
        },
        _ => None,
    }
}

/// One source a field, and one reader of standard input.
fn check(sources: &FieldSources, key_from_stdin: bool) {
    let mut readers = usize::from(key_from_stdin);
    for (index, (field, source)) in sources.given.iter().enumerate() {
        readers += usize::from(matches!(source, Source::File(FileOrStdin::Stdin)));
        assert!(
            !sources.given[..index]
                .iter()
                .any(|(earlier, _)| earlier == field)
        );
    }
    assert!(readers <= 1);
}
