//! Owns the description of the command line: every command, option, exit code and variable, once.
//! Must not know how any of it is read or shown: the parser, help, completions and the man page are its readers.

use crate::secret::{FieldId, Kind};

/// An option, whatever its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// A field of a secret on the command line itself.
    Field(FieldId),
    /// The file a field is read from.
    FieldFile(FieldId),
    AskValue,
    FromEnv,
    Type,
    TrimNewline,
    Description,
    Team,
    Personal,
    IfExists,
    DryRun,
    Force,
    IgnoreMissing,
    ApiKey,
    ApiKeyFile,
    OutputFormat,
    ServerRootUrl,
    CaFile,
    Timeout,
    NoInput,
    Debug,
    Help,
    Version,
}

/// What follows an option. The same everywhere, so that a line can be cut into words before its command is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// A value, attached or as the next word; its placeholder in help.
    Value(&'static str, Shape),
    /// A value only when attached with `=`.
    Optional(&'static str),
}

/// What completion offers for a value, and what the parser holds it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    File,
    Choice(&'static [&'static str]),
}

pub struct Opt {
    pub id: Id,
    /// Without the dashes.
    pub long: &'static str,
    pub short: Option<char>,
    pub takes: Takes,
    /// One line, for the short help.
    pub help: &'static str,
    /// What the long help adds, wrapped by hand; may be empty.
    pub more: &'static str,
    /// The variable that stands in when the option is absent.
    pub variable: Option<&'static str>,
    /// Options that can't be on the same line. Symmetric.
    pub excludes: &'static [Id],
    /// Accepted by every command.
    pub global: bool,
    /// Whether its value on the command line is a secret, visible to other processes of the machine.
    pub secret: bool,
}

/// What a command does when its words end there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Nothing: one of its commands has to follow.
    Group,
    Create(Kind),
    Update,
    Delete,
    List,
    Completions,
    Help,
}

pub struct Operand {
    pub name: &'static str,
    pub help: &'static str,
    pub choices: &'static [&'static str],
    /// Whether it may be left out, and may be repeated.
    pub many: bool,
}

pub struct Command {
    /// The words after `oz`.
    pub words: &'static [&'static str],
    /// A second spelling of the last word.
    pub alias: Option<&'static str>,
    pub does: Does,
    pub operand: Option<&'static Operand>,
    /// Beside the global ones.
    pub options: &'static [Id],
    /// One line, without full stop.
    pub about: &'static str,
    /// What the long help adds, wrapped by hand.
    pub more: &'static str,
    /// What it shows, and the line that can be pasted into a shell.
    pub examples: &'static [(&'static str, &'static str)],
}

impl Command {
    /// The last of its words; empty for the program itself.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.words.last().copied().unwrap_or("")
    }

    /// As a person types it, with the program's name.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::from("oz");
        for word in self.words {
            path.push(' ');
            path.push_str(word);
        }
        path
    }

    /// Both spellings of the last word.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> + use<> {
        [Some(self.word()), self.alias].into_iter().flatten()
    }

    /// The commands one word further.
    pub fn children(&self) -> impl Iterator<Item = &'static Command> {
        let words = self.words;
        COMMANDS.iter().filter(
            move |command| matches!(command.words.split_last(), Some((_, rest)) if rest == words),
        )
    }

    /// The child a word names, by either spelling.
    pub fn child(&self, word: &str) -> Option<&'static Command> {
        self.children()
            .find(|child| child.word() == word || child.alias == Some(word))
    }

    /// Whether the command itself accepts the option.
    #[must_use]
    pub fn accepts(&self, option: &Opt) -> bool {
        option.global || self.options.contains(&option.id)
    }

    /// Whether it or a command below it does.
    #[must_use]
    pub fn leads_to(&self, option: &Opt) -> bool {
        option.global
            || COMMANDS.iter().any(|command| {
                command.words.starts_with(self.words) && command.options.contains(&option.id)
            })
    }
}

/// The program itself: the first row.
#[must_use]
pub fn root() -> &'static Command {
    const ROOT: &Command = &COMMANDS[0];
    ROOT
}

#[must_use]
pub fn by_long(long: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.long == long)
}

#[must_use]
pub fn by_short(short: char) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.short == Some(short))
}

#[must_use]
pub fn by_id(id: Id) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.id == id)
}

pub const FORMATS: &[&str] = &["pretty", "text", "json", "ndjson"];
pub const TYPES: &[&str] = &["raw-value", "anthropic-api-key"];
pub const IF_EXISTS: &[&str] = &["fail", "skip", "update"];
pub const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell", "elvish"];

/// The word under which any group shows its help.
pub const HELP_WORD: &str = "help";

const NAME: Operand = Operand {
    name: "NAME",
    help: "The name of the secret, as runs see it in their environment",
    choices: &[],
    many: false,
};

const SHELL: Operand = Operand {
    name: "SHELL",
    help: "bash, zsh, fish, powershell or elvish",
    choices: SHELLS,
    many: false,
};

const TOPIC: Operand = Operand {
    name: "COMMAND",
    help: "The words of a command, as in 'oz help secret create'",
    choices: &[],
    many: true,
};

const GROUP: Command = Command {
    words: &[],
    alias: None,
    does: Does::Group,
    operand: None,
    options: &[],
    about: "",
    more: "",
    examples: &[],
};

pub static COMMANDS: &[Command] = &[
    Command {
        about: "Managed secrets from the command line",
        more: "\
Values are sealed on this machine before they are sent, and can't be read back. A secret is
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
    },
    Command {
        words: &["secret"],
        about: "Create, update, delete and list secrets",
        more: "\
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
    },
    Command {
        words: &["secret", "create"],
        does: Does::Create(Kind::RawValue),
        operand: Some(&NAME),
        options: &[
            Id::Type,
            Id::FieldFile(FieldId::Value),
            Id::TrimNewline,
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret",
        more: "\
The value is read from the file after -f, or from standard input; at a terminal you are asked
for it, and it is not shown. A raw value is stored byte for byte: 'echo' adds a newline,
'printf' does not.

Keys for agent harnesses have forms of their own, which check what they are given and set the
right type: 'anthropic' (or 'claude'), 'codex' (or 'openai') and 'docker-registry'. A raw secret
with such a name is created with 'oz secret create -- anthropic'.",
        examples: &[
            (
                "a value from standard input",
                "printf 's3cr3t' | oz secret create DB_PASSWORD",
            ),
            (
                "a file, without its final newline",
                "oz secret create BUILD_HOST -f /etc/hostname --trim-newline",
            ),
            (
                "for the whole team, with a description",
                "printf 's3cr3t' | oz secret create CI_TOKEN --team -d 'Token of the CI system'",
            ),
            (
                "in a script that may run twice",
                "printf 's3cr3t' | oz secret create DB_PASSWORD --if-exists update",
            ),
            (
                "an Anthropic API key",
                "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
            ),
            (
                "a Bedrock API key, which is asked for",
                "oz secret create anthropic bedrock-api-key BEDROCK --region us-east-1",
            ),
            (
                "AWS access keys from the AWS variables",
                "oz secret create anthropic bedrock-access-key BEDROCK_AWS --from-env",
            ),
            (
                "an OpenAI API key",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
            ),
            (
                "a login for a container registry, whose password is asked for",
                "oz secret create docker-registry GHCR --host ghcr.io --username octocat",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "anthropic"],
        alias: Some("claude"),
        about: "Create a secret for the Claude harness",
        examples: &[(
            "an API key of Anthropic's own",
            "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
        )],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "anthropic", "api-key"],
        does: Does::Create(Kind::AnthropicApiKey),
        operand: Some(&NAME),
        options: &[
            Id::FieldFile(FieldId::Value),
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret from an Anthropic API key",
        more: "\
The key is read from the file after -f, or from standard input; at a terminal you are asked for
it, and it is not shown. One final newline is dropped.",
        examples: &[
            (
                "from standard input",
                "printf 'sk-ant-example' | oz secret create anthropic api-key CLAUDE_KEY",
            ),
            (
                "typed at the prompt, for the team",
                "oz secret create anthropic api-key CLAUDE_KEY --team",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "anthropic", "bedrock-api-key"],
        does: Does::Create(Kind::AnthropicBedrockApiKey),
        operand: Some(&NAME),
        options: &[
            Id::Field(FieldId::BedrockApiKey),
            Id::FieldFile(FieldId::BedrockApiKey),
            Id::Field(FieldId::Region),
            Id::FromEnv,
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret from an Amazon Bedrock API key",
        more: "At a terminal you are asked for the fields that are not given.",
        examples: &[
            (
                "the key typed at the prompt",
                "oz secret create anthropic bedrock-api-key BEDROCK --region us-east-1",
            ),
            (
                "the key from standard input",
                "printf 'ABSKexample' | oz secret create anthropic bedrock-api-key BEDROCK \\\n      \
                 --bedrock-api-key-file - --region us-east-1",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "anthropic", "bedrock-access-key"],
        does: Does::Create(Kind::AnthropicBedrockAccessKey),
        operand: Some(&NAME),
        options: &[
            Id::Field(FieldId::AccessKeyId),
            Id::FieldFile(FieldId::AccessKeyId),
            Id::Field(FieldId::SecretAccessKey),
            Id::FieldFile(FieldId::SecretAccessKey),
            Id::Field(FieldId::SessionToken),
            Id::FieldFile(FieldId::SessionToken),
            Id::Field(FieldId::Region),
            Id::FromEnv,
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret from AWS access keys, for Amazon Bedrock",
        more: "\
At a terminal you are asked for the fields that are not given; the session token may be left
empty, and without a terminal it may be left out.",
        examples: &[
            (
                "everything from the AWS variables",
                "oz secret create anthropic bedrock-access-key BEDROCK_AWS --from-env",
            ),
            (
                "the secret key from standard input",
                "printf 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' |\n      \
                 oz secret create anthropic bedrock-access-key BEDROCK_AWS --region us-east-1 \\\n      \
                 --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-file -",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "codex"],
        alias: Some("openai"),
        about: "Create a secret for the Codex harness",
        examples: &[(
            "an OpenAI API key",
            "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
        )],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "codex", "api-key"],
        does: Does::Create(Kind::OpenaiApiKey),
        operand: Some(&NAME),
        options: &[
            Id::FieldFile(FieldId::Value),
            Id::Field(FieldId::BaseUrl),
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret from an OpenAI API key",
        more: "\
The key is read from the file after -f, or from standard input; at a terminal you are asked for
it, and it is not shown, and for the base URL. One final newline is dropped.",
        examples: &[
            (
                "from standard input",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY",
            ),
            (
                "with a regional endpoint",
                "printf 'sk-example' | oz secret create codex api-key CODEX_KEY \\\n      \
                 --base-url https://us.api.openai.com/v1",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "create", "docker-registry"],
        does: Does::Create(Kind::DockerRegistry),
        operand: Some(&NAME),
        options: &[
            Id::Field(FieldId::Host),
            Id::Field(FieldId::Username),
            Id::Field(FieldId::Password),
            Id::FieldFile(FieldId::Password),
            Id::Description,
            Id::Team,
            Id::Personal,
            Id::IfExists,
            Id::DryRun,
        ],
        about: "Create a secret from the login of a container registry",
        more: "At a terminal you are asked for the fields that are not given.",
        examples: &[
            (
                "the password typed at the prompt",
                "oz secret create docker-registry GHCR --host ghcr.io --username octocat",
            ),
            (
                "the password from standard input",
                "printf 's3cr3t' | oz secret create docker-registry GHCR \\\n      \
                 --host ghcr.io --username octocat --password-file -",
            ),
            (
                "the key file of a Google service account",
                "oz secret create docker-registry GAR --host us-docker.pkg.dev \\\n      \
                 --username _json_key --password-file key.json",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "update"],
        does: Does::Update,
        operand: Some(&NAME),
        options: &[
            Id::AskValue,
            Id::FieldFile(FieldId::Value),
            Id::TrimNewline,
            Id::Description,
            Id::Field(FieldId::BedrockApiKey),
            Id::FieldFile(FieldId::BedrockApiKey),
            Id::Field(FieldId::AccessKeyId),
            Id::FieldFile(FieldId::AccessKeyId),
            Id::Field(FieldId::SecretAccessKey),
            Id::FieldFile(FieldId::SecretAccessKey),
            Id::Field(FieldId::SessionToken),
            Id::FieldFile(FieldId::SessionToken),
            Id::Field(FieldId::Region),
            Id::FromEnv,
            Id::Field(FieldId::BaseUrl),
            Id::Field(FieldId::Host),
            Id::Field(FieldId::Username),
            Id::Field(FieldId::Password),
            Id::FieldFile(FieldId::Password),
            Id::Team,
            Id::Personal,
            Id::DryRun,
        ],
        about: "Change the value or the description of a secret",
        more: "\
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
    Command {
        words: &["secret", "delete"],
        does: Does::Delete,
        operand: Some(&NAME),
        options: &[
            Id::Force,
            Id::IgnoreMissing,
            Id::Team,
            Id::Personal,
            Id::DryRun,
        ],
        about: "Delete a secret",
        more: "You are asked first; without a terminal, --force is needed.",
        examples: &[
            ("after a question", "oz secret delete DB_PASSWORD"),
            (
                "in a script that may run twice",
                "oz secret delete DB_PASSWORD --force --ignore-missing",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["secret", "list"],
        does: Does::List,
        options: &[Id::Team, Id::Personal],
        about: "List secrets, without their values",
        more: "\
Personal secrets come first, then those of your teams. --personal and --team show only those.",
        examples: &[
            ("as a table", "oz secret list"),
            (
                "for a program",
                "oz secret list --team --output-format json",
            ),
        ],
        ..GROUP
    },
    Command {
        words: &["completions"],
        does: Does::Completions,
        operand: Some(&SHELL),
        about: "Print the completion script of a shell",
        examples: &[
            ("bash, for this session", "source <(oz completions bash)"),
            ("zsh, for this session", "source <(oz completions zsh)"),
            ("fish, for this session", "oz completions fish | source"),
        ],
        ..GROUP
    },
    Command {
        words: &[HELP_WORD],
        does: Does::Help,
        operand: Some(&TOPIC),
        about: "Show the long help of a command",
        examples: &[("learn a command", "oz help secret create")],
        ..GROUP
    },
];

const OPTION: Opt = Opt {
    id: Id::Help,
    long: "",
    short: None,
    takes: Takes::Nothing,
    help: "",
    more: "",
    variable: None,
    excludes: &[],
    global: false,
    secret: false,
};

const FILE: Takes = Takes::Value("FILE", Shape::File);

/// In the order of the help.
pub static OPTIONS: &[Opt] = &[
    Opt {
        id: Id::Type,
        long: "type",
        short: Some('t'),
        takes: Takes::Value("TYPE", Shape::Choice(TYPES)),
        help: "raw-value (the default) or anthropic-api-key",
        more: "\
A raw value is any text; anthropic-api-key is what 'create anthropic api-key' sets.",
        ..OPTION
    },
    Opt {
        id: Id::AskValue,
        long: "value",
        help: "Ask for a new value, or read it from standard input",
        more: "\
Takes no value itself: at a terminal you are asked, otherwise standard input is read.",
        excludes: &[Id::FieldFile(FieldId::Value)],
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::Value),
        long: "value-file",
        short: Some('f'),
        takes: FILE,
        help: "Read the value from FILE; '-' is standard input",
        excludes: &[Id::AskValue],
        ..OPTION
    },
    Opt {
        id: Id::TrimNewline,
        long: "trim-newline",
        help: "Drop one final newline from the value",
        more: "\
Exactly one LF or CRLF. Keys and fields of typed secrets always lose theirs.",
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::BedrockApiKey),
        long: "bedrock-api-key",
        takes: Takes::Value("KEY", Shape::Text),
        help: "The Bedrock API key",
        excludes: &[Id::FieldFile(FieldId::BedrockApiKey)],
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::BedrockApiKey),
        long: "bedrock-api-key-file",
        takes: FILE,
        help: "Read the Bedrock API key from FILE or '-'",
        excludes: &[Id::Field(FieldId::BedrockApiKey)],
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::AccessKeyId),
        long: "access-key-id",
        takes: Takes::Value("ID", Shape::Text),
        help: "The AWS access key ID",
        excludes: &[Id::FieldFile(FieldId::AccessKeyId)],
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::AccessKeyId),
        long: "access-key-id-file",
        takes: FILE,
        help: "Read the AWS access key ID from FILE or '-'",
        excludes: &[Id::Field(FieldId::AccessKeyId)],
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::SecretAccessKey),
        long: "secret-access-key",
        takes: Takes::Value("KEY", Shape::Text),
        help: "The AWS secret access key",
        excludes: &[Id::FieldFile(FieldId::SecretAccessKey)],
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::SecretAccessKey),
        long: "secret-access-key-file",
        takes: FILE,
        help: "Read the AWS secret access key from FILE or '-'",
        excludes: &[Id::Field(FieldId::SecretAccessKey)],
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::SessionToken),
        long: "session-token",
        takes: Takes::Value("TOKEN", Shape::Text),
        help: "The AWS session token; optional",
        excludes: &[Id::FieldFile(FieldId::SessionToken)],
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::SessionToken),
        long: "session-token-file",
        takes: FILE,
        help: "Read the AWS session token from FILE or '-'",
        excludes: &[Id::Field(FieldId::SessionToken)],
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::Region),
        long: "region",
        takes: Takes::Value("REGION", Shape::Text),
        help: "The AWS region, such as us-east-1",
        ..OPTION
    },
    Opt {
        id: Id::FromEnv,
        long: "from-env",
        help: "Take fields that are not given from the AWS variables",
        more: "\
AWS_BEARER_TOKEN_BEDROCK; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN;
AWS_REGION, then AWS_DEFAULT_REGION.",
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::BaseUrl),
        long: "base-url",
        takes: Takes::Value("URL", Shape::Text),
        help: "The https URL of an OpenAI endpoint; optional",
        more: "\
It may be http:// to this machine.
On an update, a base URL that is not given again is dropped.",
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::Host),
        long: "host",
        takes: Takes::Value("HOST", Shape::Text),
        help: "The registry's host, such as ghcr.io",
        more: "\
With a port if it needs one, without scheme and path.",
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::Username),
        long: "username",
        takes: Takes::Value("USER", Shape::Text),
        help: "The user name at the registry",
        ..OPTION
    },
    Opt {
        id: Id::Field(FieldId::Password),
        long: "password",
        takes: Takes::Value("PASS", Shape::Text),
        help: "The password or token at the registry",
        excludes: &[Id::FieldFile(FieldId::Password)],
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::FieldFile(FieldId::Password),
        long: "password-file",
        takes: FILE,
        help: "Read the password from FILE or '-'",
        more: "\
It may have many lines, as a JSON key file has. One final newline is dropped.",
        excludes: &[Id::Field(FieldId::Password)],
        ..OPTION
    },
    Opt {
        id: Id::Description,
        long: "description",
        short: Some('d'),
        takes: Takes::Value("TEXT", Shape::Text),
        help: "A description; everyone who sees the secret can read it",
        ..OPTION
    },
    Opt {
        id: Id::Team,
        long: "team",
        takes: Takes::Optional("UID"),
        help: "In your team's scope; with several teams, --team=UID",
        excludes: &[Id::Personal],
        ..OPTION
    },
    Opt {
        id: Id::Personal,
        long: "personal",
        help: "In your personal scope",
        excludes: &[Id::Team],
        ..OPTION
    },
    Opt {
        id: Id::IfExists,
        long: "if-exists",
        takes: Takes::Value("ACTION", Shape::Choice(IF_EXISTS)),
        help: "When the name is taken: fail (the default), skip or update",
        more: "\
'fail' ends with exit code 5; 'skip' leaves the secret as it is and ends with 0;
'update' replaces the value of a secret of the same type.",
        ..OPTION
    },
    Opt {
        id: Id::Force,
        long: "force",
        help: "Delete without asking",
        ..OPTION
    },
    Opt {
        id: Id::IgnoreMissing,
        long: "ignore-missing",
        help: "Succeed when there is no such secret",
        ..OPTION
    },
    Opt {
        id: Id::DryRun,
        long: "dry-run",
        help: "Check everything and change nothing",
        more: "\
Says what would be done, with the length of the value and never the value.",
        ..OPTION
    },
    Opt {
        id: Id::ApiKey,
        long: "api-key",
        takes: Takes::Value("KEY", Shape::Text),
        help: "The API key; better given in WARP_API_KEY",
        variable: Some("WARP_API_KEY"),
        excludes: &[Id::ApiKeyFile],
        global: true,
        secret: true,
        ..OPTION
    },
    Opt {
        id: Id::ApiKeyFile,
        long: "api-key-file",
        takes: FILE,
        help: "Read the API key from FILE or '-'",
        variable: Some("WARP_API_KEY_FILE"),
        excludes: &[Id::ApiKey],
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::OutputFormat,
        long: "output-format",
        takes: Takes::Value("FORMAT", Shape::Choice(FORMATS)),
        help: "pretty (the default), text, json or ndjson",
        more: "\
With json and ndjson, errors are one JSON document on standard error.",
        variable: Some("WARP_OUTPUT_FORMAT"),
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::ServerRootUrl,
        long: "server-root-url",
        takes: Takes::Value("URL", Shape::Text),
        help: "The server; https://app.warp.dev by default",
        variable: Some("WARP_SERVER_ROOT_URL"),
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::CaFile,
        long: "ca-file",
        takes: FILE,
        help: "Trust the certificates in FILE as well (PEM)",
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::Timeout,
        long: "timeout",
        takes: Takes::Value("SECONDS", Shape::Text),
        help: "Give up after that long; 60 by default",
        more: "\
Bounds the whole run, retries included, prompts not. A fraction is fine; at most 86400.",
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::NoInput,
        long: "no-input",
        help: "Never ask, even at a terminal",
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::Debug,
        long: "debug",
        help: "Say on standard error what is done, without secrets",
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::Help,
        long: "help",
        short: Some('h'),
        help: "Show help: -h for short, --help with examples",
        global: true,
        ..OPTION
    },
    Opt {
        id: Id::Version,
        long: "version",
        short: Some('V'),
        help: "Show the version; with --debug, or -VV, the build",
        global: true,
        ..OPTION
    },
];

/// The variables read beside those that stand in for an option.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "certificates to trust instead of the built-in ones",
    ),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "the proxy, and the hosts reached without; also in lower case",
    ),
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
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::outcome::Applied;

    #[test]
    fn names_are_unique_and_plain() {
        for (index, option) in OPTIONS.iter().enumerate() {
            let rest = OPTIONS.iter().skip(index + 1);
            assert!(
                !option.long.is_empty()
                    && option
                        .long
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{}",
                option.long
            );
            for other in rest {
                assert_ne!(option.id, other.id);
                assert_ne!(option.long, other.long);
                assert!(option.short.is_none() || option.short != other.short);
            }
        }
        for (index, command) in COMMANDS.iter().enumerate() {
            for other in COMMANDS.iter().skip(index + 1) {
                assert_ne!(command.words, other.words);
            }
        }
    }

    #[test]
    fn every_option_has_a_command_and_every_command_its_parent() {
        for option in OPTIONS {
            let users = COMMANDS.iter().filter(|c| c.options.contains(&option.id));
            assert_eq!(users.count() == 0, option.global, "--{}", option.long);
        }
        for command in COMMANDS {
            for id in command.options {
                assert!(by_id(*id).is_some(), "{} {id:?}", command.path());
            }
            if let Some((_, parent)) = command.words.split_last() {
                let parent = COMMANDS.iter().find(|c| c.words == parent).unwrap();
                assert!(parent.child(command.word()).is_some());
                if let Some(alias) = command.alias {
                    assert!(std::ptr::eq(parent.child(alias).unwrap(), command));
                }
            }
        }
        assert_eq!(root().words.len(), 0);
    }

    #[test]
    fn exclusion_is_mutual() {
        for option in OPTIONS {
            for other in option.excludes {
                assert!(by_id(*other).unwrap().excludes.contains(&option.id));
            }
        }
    }

    #[test]
    fn texts_fit_a_terminal() {
        let texts = OPTIONS.iter().flat_map(|o| [o.help, o.more]);
        let commands = COMMANDS.iter().flat_map(|c| {
            [c.about, c.more]
                .into_iter()
                .chain(c.examples.iter().flat_map(|(what, line)| [*what, *line]))
        });
        for text in texts.chain(commands) {
            assert!(text.is_ascii(), "{text}");
            assert!(text.lines().all(|line| line.len() <= 96), "{text}");
        }
        for option in OPTIONS {
            assert!(!option.help.is_empty() && !option.help.contains('\n'));
            assert!(!option.help.ends_with('.'), "{}", option.help);
        }
        for command in COMMANDS {
            assert!(!command.about.is_empty() && !command.about.ends_with('.'));
            assert!(!command.examples.is_empty(), "{}", command.path());
        }
    }

    #[test]
    fn fields_are_spelled_as_the_nouns_spell_them() {
        for option in OPTIONS {
            let long = format!("--{}", option.long);
            match option.id {
                Id::Field(field) => assert_eq!(field.flag(), long),
                Id::FieldFile(field) => assert_eq!(field.file_flag(), Some(long.as_str())),
                _ => {}
            }
        }
    }

    #[test]
    fn each_form_takes_exactly_the_fields_of_its_kind() {
        for command in COMMANDS {
            let kinds: Vec<Kind> = match command.does {
                Does::Create(kind) => vec![kind],
                Does::Update => Kind::ALL.to_vec(),
                _ => continue,
            };
            let fields = || kinds.iter().flat_map(|kind| kind.fields());
            for id in command.options {
                if let Id::Field(field) | Id::FieldFile(field) = id {
                    assert!(fields().any(|f| f.id == *field), "{}", command.path());
                }
            }
            for field in fields() {
                if field.id != FieldId::Value {
                    assert!(command.options.contains(&Id::Field(field.id)));
                }
                if field.id.file_flag().is_some() {
                    assert!(command.options.contains(&Id::FieldFile(field.id)));
                }
            }
            let covered = fields().any(|f| !f.id.environment().is_empty());
            assert_eq!(covered, command.options.contains(&Id::FromEnv));
        }
    }

    #[test]
    fn every_error_has_its_exit_code_in_the_table() {
        for kind in [
            ErrorKind::Refused,
            ErrorKind::Output(Applied::No),
            ErrorKind::Usage,
            ErrorKind::NotFound,
            ErrorKind::Credentials,
            ErrorKind::Exists,
            ErrorKind::InvalidData,
            ErrorKind::Unreadable,
            ErrorKind::Unavailable,
            ErrorKind::TryAgain,
            ErrorKind::OutcomeUnknown,
            ErrorKind::Config,
            ErrorKind::Cancelled,
            ErrorKind::Terminated(15),
        ] {
            assert!(EXITS.iter().any(|(code, _)| *code == kind.code()));
        }
        assert!(EXITS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
