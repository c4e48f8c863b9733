//! The commands, exit codes and variables: what the parser, help, completions and the manual page read. The `create`
//! commands are made from the table of types.

use crate::secret::{KINDS, Kind, Rows, same};

/// What a command does when its words end there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: one of its commands has to follow.
    Group,
    Create(&'static Kind),
    Update,
    Delete,
    List,
    Import,
    WhoAmI,
    Completions,
    Help,
}

pub struct Operand {
    pub name: &'static str,
    pub help: &'static str,
    pub choices: &'static [&'static str],
    pub required: bool,
    /// Whether it may be repeated.
    pub many: bool,
}

#[derive(Clone, Copy)]
pub struct Subcommand {
    /// The words after `oz`.
    pub words: &'static [&'static str],
    /// A second spelling of the last word.
    pub alias: Option<&'static str>,
    pub action: Action,
    pub operand: Option<&'static Operand>,
    /// One line, without full stop.
    pub about: &'static str,
    /// What the long help adds, wrapped by hand.
    pub long_help: &'static str,
    /// What it shows, and the line that can be pasted into a shell.
    pub examples: &'static [(&'static str, &'static str)],
}

impl Subcommand {
    /// The last of its words; empty for the program itself.
    pub fn word(&self) -> &'static str {
        self.words.last().copied().unwrap_or("")
    }

    /// As a person types it, with the program's name.
    pub fn path(&self) -> String {
        let mut path = String::from("oz");
        for word in self.words {
            path.push(' ');
            path.push_str(word);
        }
        path
    }

    /// Both spellings of the last word.
    pub fn spellings(&self) -> Vec<&'static str> {
        let mut spellings = vec![self.word()];
        spellings.extend(self.alias);
        spellings
    }

    /// The commands one word further.
    pub fn children(&self) -> impl Iterator<Item = &'static Self> {
        let words = self.words;
        COMMANDS.iter().filter(
            move |command| matches!(command.words.split_last(), Some((_, rest)) if rest == words),
        )
    }

    /// The child a word names, by either spelling.
    pub fn child(&self, word: &str) -> Option<&'static Self> {
        self.children()
            .find(|child| child.word() == word || child.alias == Some(word))
    }
}

/// The program itself: the first row.
pub fn root() -> &'static Subcommand {
    &COMMANDS[0]
}

pub const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell", "elvish"];

/// The word under which any group shows its help.
pub const HELP_WORD: &str = "help";

const NAME: Operand = Operand {
    name: "NAME",
    help: "The name of the secret, as runs see it in their environment",
    choices: &[],
    required: true,
    many: false,
};

const NAMES: Operand = Operand {
    help: "The names of the secrets",
    many: true,
    ..NAME
};

const FILE: Operand = Operand {
    name: "FILE",
    help: "The file; '-' is standard input",
    choices: &[],
    required: true,
    many: false,
};

const SHELL: Operand = Operand {
    name: "SHELL",
    help: "bash, zsh, fish, powershell or elvish",
    choices: SHELLS,
    required: true,
    many: false,
};

const TOPIC: Operand = Operand {
    name: "COMMAND",
    help: "The words of a command, as in 'oz help secret create'",
    choices: &[],
    required: false,
    many: true,
};

const GROUP: Subcommand = Subcommand {
    words: &[],
    alias: None,
    action: Action::Group,
    operand: None,
    about: "",
    long_help: "",
    examples: &[],
};

/// The program itself.
const ROOT: Subcommand = Subcommand {
    about: "Managed secrets from the command line",
    long_help: "\
Values are encrypted on this machine before they are sent, and can't be read back. A secret is
personal, or belongs to a team; runs receive it as an environment variable of its name.
An API key is needed: put it in WARP_API_KEY, or name a file with --api-key-file.",
    examples: &[
        (
            "store a value",
            "printf 's3cr3t' | oz secret create DB_PASSWORD",
        ),
        ("see what is stored", "oz secret list"),
        ("learn a command", "oz secret create --help"),
    ],
    ..GROUP
};

const SECRET: Subcommand = Subcommand {
    words: &["secret"],
    about: "Create, update, delete, list and import secrets",
    long_help: "\
Every command takes --team or --personal. Without either it is about your personal secrets;
'list' shows both.",
    examples: &[
        (
            "store a value",
            "printf 's3cr3t' | oz secret create DB_PASSWORD",
        ),
        (
            "change it",
            "printf 'n3w' | oz secret update DB_PASSWORD --value",
        ),
        ("see what is stored", "oz secret list"),
        (
            "remove it without a question",
            "oz secret delete DB_PASSWORD --force",
        ),
    ],
    ..GROUP
};

/// Those after the commands that create.
const OTHERS: &[Subcommand] = &[
    Subcommand {
        words: &["secret", "update"],
        action: Action::Update,
        operand: Some(&NAME),
        about: "Change the value or the description of a secret",
        long_help: "\
A secret keeps its name, its owner and its type. A raw value or an API key is replaced with
--value or -f; a secret of several fields takes the options of its type, all required fields
together, and is replaced in one step.",
        examples: &[
            (
                "a new value from standard input",
                "printf 'n3w' | oz secret update DB_PASSWORD --value",
            ),
            (
                "a new value typed at the prompt",
                "oz secret update DB_PASSWORD --value",
            ),
            (
                "a new value from a file",
                "oz secret update BUILD_HOST -f /etc/hostname --trim-newline",
            ),
            (
                "a new description; an empty one clears it",
                "oz secret update DB_PASSWORD -d 'The staging database'",
            ),
            (
                "new AWS keys from the AWS variables",
                "oz secret update BEDROCK_AWS --from-env",
            ),
            (
                "a new password for a registry",
                "printf 'n3w' | oz secret update GHCR --host ghcr.io --username octocat \\\n      \
                 --password-file -",
            ),
        ],
        ..GROUP
    },
    Subcommand {
        words: &["secret", "delete"],
        action: Action::Delete,
        operand: Some(&NAMES),
        about: "Delete secrets",
        long_help: "\
You are asked first; without a terminal, --force is needed. If one of several names does not
exist, nothing is deleted.",
        examples: &[
            ("after a question", "oz secret delete DB_PASSWORD"),
            ("several", "oz secret delete OLD_TOKEN OLD_PASSWORD"),
            (
                "in a script that may run twice",
                "oz secret delete DB_PASSWORD --force --ignore-missing",
            ),
        ],
        ..GROUP
    },
    Subcommand {
        words: &["secret", "list"],
        action: Action::List,
        about: "List secrets, without their values",
        long_help: "\
Personal secrets come first, then those of your teams. --personal and --team show only those.",
        examples: &[
            ("as a table", "oz secret list"),
            (
                "for a program",
                "oz secret list --team --output-format json",
            ),
            ("only the names", "oz secret list --names"),
        ],
        ..GROUP
    },
    Subcommand {
        words: &["secret", "import"],
        action: Action::Import,
        operand: Some(&FILE),
        about: "Create the secrets of a .env or JSON file",
        long_help: "\
Everything is checked first: if a line, a name or a value can't be accepted, or a name is taken,
all such places are listed and nothing is sent. Then the secrets are stored in the order of the
file, and each is reported as it is done. After an interruption, --if-exists skip stores the
rest, and --if-exists update brings all to the values of the file.

A .env file has lines NAME=VALUE; blank lines, lines that start with '#', and 'export ' before
a name are fine. A value with blanks or special characters is put in single quotes, and may then
span lines. A line that common programs read differently is refused; nothing is expanded. The
format json is one object of strings. A file may have 8 MiB and 1,000 secrets.",
        examples: &[
            ("the secrets of a .env file", "oz secret import .env"),
            (
                "in a script that may run twice",
                "oz secret import .env --if-exists update",
            ),
            (
                "see what would happen",
                "oz secret import .env --team --dry-run",
            ),
            (
                "from a program",
                "printf '{\"A\":\"1\"}' | oz secret import - --format json",
            ),
        ],
        ..GROUP
    },
    Subcommand {
        words: &["whoami"],
        action: Action::WhoAmI,
        about: "Show who the API key belongs to",
        long_help: "\
Asks the server, so it also tells whether the key is accepted. The last line names the scopes
whose secrets the key can write, as WARP_SECRET_SCOPE spells them.",
        examples: &[
            ("the user and the teams", "oz whoami"),
            ("only the user", "oz whoami --output-format text"),
        ],
        ..GROUP
    },
    Subcommand {
        words: &["completions"],
        action: Action::Completions,
        operand: Some(&SHELL),
        about: "Print the completion script of a shell",
        examples: &[
            ("bash, for this session", "source <(oz completions bash)"),
            ("zsh, for this session", "source <(oz completions zsh)"),
            ("fish, for this session", "oz completions fish | source"),
        ],
        ..GROUP
    },
    Subcommand {
        words: &[HELP_WORD],
        action: Action::Help,
        operand: Some(&TOPIC),
        about: "Show the long help of a command",
        examples: &[("learn a command", "oz help secret create")],
        ..GROUP
    },
];

/// In the order of the help.
pub static COMMANDS: [Subcommand; COMMAND_ROWS.length] = COMMAND_ROWS.to_array();

const COMMAND_ROWS: Rows<Subcommand> = {
    let mut rows = Rows::new(GROUP);
    rows.extend(&[ROOT, SECRET]);
    let mut above = "";
    let mut kinds = KINDS;
    while let [kind, rest @ ..] = kinds {
        if let Some(group) = kind.group
            && !same(group.alias, above)
        {
            above = group.alias;
            rows.push(Subcommand {
                words: group.words,
                alias: Some(group.alias),
                about: group.about,
                examples: group.examples,
                ..GROUP
            });
        }
        rows.push(Subcommand {
            words: kind.words,
            action: Action::Create(kind),
            operand: Some(&NAME),
            about: kind.about,
            long_help: kind.long_help,
            examples: kind.examples,
            ..GROUP
        });
        kinds = rest;
    }
    rows.extend(OTHERS);
    rows
};

/// The variables read beside those that stand in for an option.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "WARP_SECRET_SCOPE",
        "stands in for --team and --personal: personal, team or team=UID",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "certificates to trust instead of the built-in ones",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "the proxy, and the hosts reached without; also in lower case",
    ),
    (
        "NO_COLOR, CLICOLOR_FORCE, TERM",
        "colour: never, always, not where it is dumb or not set",
    ),
    ("COLUMNS", "the width of tables on a terminal"),
];

/// The exit codes, and what they say to a script.
pub const EXITS: &[(u8, &str)] = &[
    (0, "done, or nothing had to be done"),
    (1, "anything else; the server refused"),
    (
        2,
        "the command line is wrong, or input is needed and there is no terminal",
    ),
    (3, "no such secret"),
    (4, "no API key, or it was not accepted"),
    (5, "the name is taken"),
    (65, "a value or name was refused before anything was sent"),
    (66, "a file could not be read"),
    (
        69,
        "the server could not be reached or is not trusted; nothing was changed",
    ),
    (
        75,
        "try again later; for a write that was sent, the outcome is unknown",
    ),
    (78, "configuration: key, URL, CA file, proxy"),
    (130, "cancelled or interrupted"),
    (143, "terminated"),
];

#[cfg(test)]
mod tests;
