use super::*;
use crate::cli::{self, completions, help, options, table};
use crate::env::Environment;
use crate::request::{Change, FieldSources, ParseResult, Verb};
use crate::secret::SecretName;
use crate::value::{self, Io};
use std::ffi::OsString;
use std::time::Duration;

/// A type that only the unit tests know: nothing else is written for it anywhere.
pub(super) const SEVENTH: Kind = Kind {
    words: &["secret", "create", "vault", "login"],
    group: Some(&Group {
        words: &["secret", "create", "vault"],
        alias: "safe",
        about: "Create a secret for a vault",
        examples: &[(
            "a login",
            "oz secret create vault login V --vault-address vault.example",
        )],
    }),
    wire: "VAULT_LOGIN",
    label: "Vault Login",
    about: "Create a secret from the login of a vault",
    long_help: "At a terminal you are asked for the fields that are not given.",
    examples: &[(
        "the token typed at the prompt",
        "oz secret create vault login V --vault-address vault.example",
    )],
    fields: &[
        Field {
            flag: "--vault-address",
            placeholder: "HOST",
            help: "The vault's host",
            variables: &["VAULT_ADDR"],
            key: "address",
            syntax: Syntax::Host,
            prompt: "Vault address:",
            ..FIELD
        },
        Field {
            flag: "--vault-token",
            placeholder: "TOKEN",
            help: "The vault's token",
            file: Some(file(
                "--vault-token-file",
                "Read the vault's token from FILE or '-'",
            )),
            key: "token",
            hidden: true,
            prompt: "Vault token:",
            limit: Limit::Variable("VAULT_TOKEN"),
            ..FIELD
        },
    ],
};

fn parse(line: &str) -> Result<ParseResult, String> {
    let args = line.split_whitespace().map(OsString::from).collect();
    cli::parse(args, &Environment::new(|_| None)).map_err(|usage| usage.error.message.clone())
}

fn sources(line: &str) -> FieldSources {
    match parse(line) {
        Ok(ParseResult::Run(request)) => match request.verb {
            Verb::Create(create) => {
                assert_eq!(create.kind, &SEVENTH);
                create.sources
            }
            Verb::Update(update) => match update.change {
                Change::Value { sources, .. } => sources,
                Change::Description(_) => panic!("{line}"),
            },
            _ => panic!("{line}"),
        },
        Ok(ParseResult::Print(_)) => panic!("{line}"),
        Err(message) => panic!("{message}"),
    }
}

/// The plaintext that a line leads to, with `token` and a newline on standard input.
fn payload(line: &str) -> String {
    let env = Environment::new(|name| (name == "VAULT_ADDR").then(|| OsString::from("v.example")));
    let mut stdin = &b"token\n"[..];
    let mut io = Io {
        stdin: &mut stdin,
        stdin_is_terminal: false,
        env: &env,
        timeout: Duration::ZERO,
    };
    let name = SecretName::parse("V").unwrap();
    let kind = Kind::from_wire("VAULT_LOGIN").unwrap();
    // An update learns the type after it has read.
    let known = line.starts_with("secret create").then_some(kind);
    let fields = value::read(sources(line), known, &mut io)
        .and_then(|read| read.fit(kind, &name, false))
        .and_then(|incomplete| incomplete.complete("", &mut Nobody))
        .unwrap_or_else(|error| panic!("{}", error.message));
    String::from_utf8(fields.payload().expose().to_vec()).unwrap()
}

struct Nobody;

impl value::Terminal for Nobody {
    fn permit(&mut self, _: bool) {}
    fn available(&self) -> bool {
        false
    }
    fn prepare(&mut self) {}
    fn ask(&mut self, field: &Field) -> Result<crate::secret::SecretBytes, crate::error::Error> {
        panic!("asked for {}", field.flag)
    }
    fn announce(&mut self, line: &str) -> Result<(), crate::error::Error> {
        panic!("announced {line}")
    }
    fn say(&mut self, _: &str) {}
    fn release(&mut self) -> bool {
        false
    }
    fn confirm(&mut self, _: &str, _: &str) -> Result<bool, crate::error::Error> {
        panic!("asked")
    }
}

#[test]
fn one_entry_is_enough_for_a_type() {
    for line in [
        "secret create vault login V --vault-address v.example --vault-token token",
        "secret create safe login V --vault-address=v.example --vault-token-file -",
        "secret create vault login V --from-env --vault-token-file=-",
        "secret update V --vault-address v.example --vault-token token",
        "secret update V --from-env --vault-token-file -",
    ] {
        let expected = r#"{"address":"v.example","token":"token"}"#;
        assert_eq!(payload(line), expected, "{line}");
    }
    for (line, message) in [
        (
            "secret create vault login V --vault-token t --vault-token-file f",
            "'--vault-token' can't be used with '--vault-token-file'",
        ),
        (
            "secret create vault login V --region r",
            "'--region' is not an option of `oz secret create vault login`",
        ),
        (
            "secret update V --vault-token t --region r",
            "no type of secret has both '--vault-token' and '--region'",
        ),
    ] {
        assert_eq!(parse(line).err().as_deref(), Some(message));
    }

    let command = |words: &[&str]| table::COMMANDS.iter().find(|c| c.words == words).unwrap();
    let create = help::long(command(&["secret", "create"]));
    assert!(create.contains("  vault, safe  "), "{create}");
    let login = help::long(command(SEVENTH.words));
    for line in [
        "      --vault-address HOST     The vault's host\n",
        "      --vault-token TOKEN      The vault's token\n",
        "          Other processes of this machine can read it there; --vault-token-file is safer.\n",
        "      --vault-token-file FILE  Read the vault's token from FILE or '-'\n",
        "          --vault-address: VAULT_ADDR\n",
    ] {
        assert!(login.contains(line), "{line}{login}");
    }
    let update = help::short(command(&["secret", "update"]));
    assert!(update.contains("--vault-token-file FILE"), "{update}");
    let pages = cli::man::pages();
    let (_, update) = pages
        .iter()
        .find(|page| page.0 == "oz-secret-update.1")
        .unwrap();
    assert!(update.contains("\\-\\-vault\\-token\\-file FILE"));

    let bash = completions::script("bash").unwrap();
    for row in [
        "w|oz secret create|vault||oz secret create vault|Create a secret for a vault\n",
        "w|oz secret create|safe||oz secret create vault|\n",
        "o|oz secret create vault login|--vault-token-file||file|",
        "o|oz secret create vault login|--from-env|||",
        "o|oz secret update|--vault-address||text|",
    ] {
        assert!(bash.contains(row), "{row}");
    }
}

#[test]
fn types_that_a_word_selects_have_a_single_value() {
    let option = options::OPTIONS.iter().find(|one| one.long == "--type");
    for word in option.unwrap().choices() {
        let Ok(ParseResult::Run(request)) = parse(&format!("secret create N --type {word}")) else {
            panic!("{word}");
        };
        let Verb::Create(create) = request.verb else {
            panic!("{word}");
        };
        let kind = create.kind;
        assert_eq!(kind.wire, word.replace('-', "_").to_ascii_uppercase());
        assert!(matches!(kind.fields, [field] if field.is_value()), "{word}");
    }
}

#[test]
fn fields_of_one_flag_are_one_field() {
    for kind in KINDS {
        for field in kind.fields {
            let same = FIELDS.iter().filter(|one| **one == field);
            let same: Vec<_> = same.collect();
            assert!(matches!(same[..], [one] if one.variables == field.variables
                && one.limit.of_any() == field.limit.of_any()
                && one.file.map(|file| file.flag) == field.file.map(|file| file.flag)));
        }
    }
}
