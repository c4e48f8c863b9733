//! What was asked, as plain data: it stands between the command line and everything else. Building one opens nothing and
//! asks nothing.

use crate::secret::{Field, Kind, SecretBytes, SecretName};
use std::path::PathBuf;
use std::time::Duration;

/// What a command line asks for.
pub enum ParseResult {
    /// Text for standard output: help, version, completions. Answered before anything that can fail.
    Print(String),
    Run(Box<Request>),
}

pub struct Request {
    pub globals: Globals,
    pub verb: Verb,
}

/// `--timeout` when it is not given. An import has more: see [`TIMEOUT_PER_SECRET`].
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What `--timeout` allows beside that for each secret of an import, unless it is given: several times what a write takes.
pub const TIMEOUT_PER_SECRET: Duration = Duration::from_secs(2);

/// The global options, as flags or from the environment.
pub struct Globals {
    pub api_key: KeySource,
    pub format: Format,
    /// `--server-root-url` or `WARP_SERVER_ROOT_URL`, unparsed.
    pub server_root_url: Option<String>,
    pub ca_file: Option<PathBuf>,
    /// `--timeout`, if it is given.
    pub timeout: Option<Duration>,
    pub no_input: bool,
    pub debug: bool,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            api_key: KeySource::Absent,
            format: Format::Pretty,
            server_root_url: None,
            ca_file: None,
            timeout: None,
            no_input: false,
            debug: false,
        }
    }
}

/// Where the API key comes from.
pub enum KeySource {
    /// No option and no variable.
    Absent,
    /// `--api-key` or `WARP_API_KEY`; may still be empty or malformed.
    Text {
        origin: &'static str,
        key: SecretBytes,
    },
    /// `--api-key-file` or `WARP_API_KEY_FILE`; `-` is standard input.
    File {
        origin: &'static str,
        path: FileOrStdin,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Pretty,
    Text,
    Json,
    Ndjson,
}

impl Format {
    /// Whether stdout and stderr carry JSON documents only.
    pub fn is_machine(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}

pub enum Verb {
    Create(Create),
    Update(Update),
    Delete(Delete),
    List(List),
    Import(Import),
    WhoAmI,
}

/// The owner as asked; the account decides what `Default` and `Team` mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Neither option was given.
    #[default]
    Default,
    Personal,
    /// `--team`: the only team.
    Team,
    /// `--team=UID`.
    TeamUid(String),
}

/// A secret that a verb is about.
pub struct Target {
    pub name: SecretName,
    pub scope: Scope,
}

pub struct Create {
    pub target: Target,
    pub kind: &'static Kind,
    pub sources: FieldSources,
    pub description: Option<String>,
    pub if_exists: IfExists,
    pub dry_run: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    #[default]
    Fail,
    Skip,
    Update,
}

pub struct Update {
    pub target: Target,
    pub change: Change,
    pub dry_run: bool,
}

/// At least one thing to change.
pub enum Change {
    Description(String),
    Value {
        sources: FieldSources,
        description: Option<String>,
    },
}

pub struct Import {
    pub file: FileOrStdin,
    pub format: ImportFormat,
    pub scope: Scope,
    pub if_exists: IfExists,
    pub skip_empty: bool,
    pub dry_run: bool,
}

/// `--format` of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportFormat {
    /// `NAME=VALUE` lines.
    #[default]
    Env,
    /// One flat object of strings.
    Json,
}

pub struct Delete {
    /// At least one, and none twice.
    pub names: Vec<SecretName>,
    pub scope: Scope,
    pub force: bool,
    pub ignore_missing: bool,
    pub dry_run: bool,
}

#[derive(Default)]
pub struct List {
    pub scope: Scope,
    /// `--names`.
    pub names_only: bool,
}

/// Where the fields of a value come from.
#[derive(Default)]
pub struct FieldSources {
    /// What the command line names, in its order, at most one source a field and at most one [`FileOrStdin::Stdin`].
    pub given: Vec<(&'static Field, Source)>,
    /// `--from-env`: fields not given are looked up in the environment.
    pub from_env: bool,
    /// `--trim-newline`.
    pub trim_newline: bool,
    /// Whether a single value that was not given is read from standard input, or asked for on a terminal:
    /// every `create`, and `update --value`.
    pub ask: bool,
}

pub enum Source {
    /// On the command line itself.
    Argument(SecretBytes),
    File(FileOrStdin),
}

/// The operand of an option that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOrStdin {
    Stdin,
    Path(PathBuf),
}
