//! Runs the real binary with an empty environment, in a directory of its own, with a deadline and exact expectations, and
//! looks for leaks in what it prints.

use super::memory::{self, FullPipe, Memory};
use super::tools;
use crate::server::Server;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The value that tests store: found in any output, it is a leak.
pub const MARKER_SECRET: &str = "s3cr3t-marker-Zq9";

/// The API key of the server's default account: found in any output, it is a leak.
pub const MARKER_KEY: &str = "wk-marker-key-Xy7";

/// How long one run may take. The slowest takes a few seconds; a hanging one must not stall the suite.
const DEADLINE: Duration = Duration::from_secs(30);

/// How often a child is asked whether it is done.
const POLL: Duration = Duration::from_millis(2);

/// The binary under test: `OZ_BINARY`, or else the static release build for this machine, which is brought up to date
/// first. It is not the build of `cargo test`, in which the features of the tests' own crates are on.
#[must_use]
pub fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let path = BINARY.get_or_init(|| match std::env::var_os("OZ_BINARY") {
        Some(given) => PathBuf::from(given),
        None => build(),
    });
    assert!(path.is_file(), "OZ_BINARY: no file at {}", path.display());
    path.clone()
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("make")
        .arg("build")
        .current_dir(root)
        .output()
        .expect("make");
    assert!(
        output.status.success(),
        "make build: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    root.join("target").join(target).join("release/oz")
}

/// Writes this to a child's standard input, ends it, and waits until the child has sent its first request.
pub fn feed_until_request(child: &mut Child, stdin: &str, server: &Server) {
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.as_bytes()).expect("it is read");
    drop(pipe);
    let began = Instant::now();
    while server.ops().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "no request came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Prepares a run of the program with these arguments. Unless told otherwise it expects exit code 0 and nothing on stdout
/// and stderr.
pub fn oz<'a, A: AsRef<OsStr>>(arguments: &[A]) -> Run<'a> {
    Run {
        starter: Vec::new(),
        arguments: arguments
            .iter()
            .map(|one| one.as_ref().to_owned())
            .collect(),
        variables: Vec::new(),
        stdin: Feed::Nothing,
        cwd: None,
        code: Some(0),
        stdout: Expected::Exactly(Vec::new()),
        stderr: Expected::Exactly(Vec::new()),
        deadline: DEADLINE,
        log: None,
    }
}

/// What the program finds on its standard input.
#[derive(Clone)]
enum Feed {
    /// The end, at once.
    Nothing,
    Bytes(Vec<u8>),
    /// File descriptor 0 is not open.
    Closed,
    /// A pipe that stays open and empty.
    Silent,
}

#[derive(Clone)]
enum Expected {
    Exactly(Vec<u8>),
    /// Not compared: the caller looks at the [`Output`].
    Anything,
}

/// A prepared run.
#[derive(Clone)]
#[must_use = "nothing runs before .run()"]
pub struct Run<'a> {
    /// The words of a command that starts the program; empty to start it directly.
    starter: Vec<OsString>,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    stdin: Feed,
    cwd: Option<PathBuf>,
    /// `None`: not compared.
    code: Option<i32>,
    stdout: Expected,
    stderr: Expected,
    deadline: Duration,
    log: Option<&'a Server>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
}

impl Output {
    /// Standard output, which tests want to be UTF-8.
    #[must_use]
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("standard output is UTF-8")
    }

    /// Standard error, which tests want to be UTF-8.
    #[must_use]
    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).expect("standard error is UTF-8")
    }
}

impl<'a> Run<'a> {
    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable; the last setting of a name holds.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref().to_owned();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.as_ref().to_owned()));
        self
    }

    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut run = self;
        for (name, value) in variables {
            run = run.env(name, value);
        }
        run
    }

    /// Takes a variable away again.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Points it at a server: key, root and authority, by variables.
    pub fn server(self, server: &'a Server) -> Self {
        let mut run = self.envs(server.env());
        run.log = Some(server);
        run
    }

    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Feed::Bytes(bytes.as_ref().to_vec());
        self
    }

    /// Runs it with file descriptor 0 closed.
    pub fn stdin_closed(mut self) -> Self {
        self.stdin = Feed::Closed;
        self
    }

    /// Gives it a standard input that stays open and empty.
    pub fn stdin_silent(mut self) -> Self {
        self.stdin = Feed::Silent;
        self
    }

    /// Starts the program by a command: the program's path and arguments are appended to these words. A second command is
    /// started by the first.
    pub fn started_by<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|one| one.as_ref().to_owned());
        self.starter.extend(words);
        self
    }

    /// The working directory; a new empty one by default.
    pub fn cwd(mut self, path: impl AsRef<Path>) -> Self {
        self.cwd = Some(path.as_ref().to_owned());
        self
    }

    /// The expected exit code; after a signal 128 and its number, as in a shell.
    pub fn code(mut self, code: i32) -> Self {
        self.code = Some(code);
        self
    }

    /// Leaves the exit code to the caller, who has the [`Output`].
    pub fn any_code(mut self) -> Self {
        self.code = None;
        self
    }

    pub fn stdout(self, text: impl AsRef<str>) -> Self {
        self.stdout_bytes(text.as_ref())
    }

    pub fn stdout_bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdout = Expected::Exactly(bytes.as_ref().to_vec());
        self
    }

    pub fn stderr(mut self, text: impl AsRef<str>) -> Self {
        self.stderr = Expected::Exactly(text.as_ref().as_bytes().to_vec());
        self
    }

    /// How long it may run before it is killed and the test fails; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Leaves standard output to the caller, who has the [`Output`].
    pub fn any_stdout(mut self) -> Self {
        self.stdout = Expected::Anything;
        self
    }

    /// Leaves standard error to the caller, who has the [`Output`].
    pub fn any_stderr(mut self) -> Self {
        self.stderr = Expected::Anything;
        self
    }

    /// Runs it and compares.
    ///
    /// # Panics
    /// On any difference, a leak, or a run past the deadline.
    #[track_caller]
    pub fn run(self) -> Output {
        self.run_with(&binary())
    }

    /// The same under `strace` with these options; returns its log. `None` where there is no `strace`.
    #[track_caller]
    pub fn trace(self, options: &str) -> Option<String> {
        if !tools::have("strace") {
            return None;
        }
        let directory = TempDir::new().expect("a directory");
        let log = directory.path().join("trace");
        self.started_by(["strace", "-f", "-qq"])
            .started_by(options.split(' '))
            .started_by([OsStr::new("-o"), log.as_os_str()])
            .run();
        Some(std::fs::read_to_string(log).expect("a trace"))
    }

    /// Stops it at its first write to stdout or stderr, reads its memory, and lets it end. Returns the memory, the exit
    /// code, and what it wrote to both streams. `None` where this test may not read the memory; it is recorded as skipped.
    #[track_caller]
    pub fn memory(mut self) -> Option<(Memory, i32, String)> {
        let own_directory = TempDir::new().expect("a directory");
        let stdin = std::mem::replace(&mut self.stdin, Feed::Nothing);
        let pipe = FullPipe::new();
        let mut child = self
            .command(&binary(), own_directory.path(), &stdin)
            .stdout(pipe.end())
            .stderr(pipe.end())
            .spawn()
            .expect("the program starts");
        let held = feed(&mut child, stdin);
        if !memory::waits_to_write(child.id()) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        let memory = Memory::of(child.id());
        let written = pipe.drain();
        let status = child.wait().expect("a child to wait for");
        drop(held);
        let written = String::from_utf8(written).expect("the output is UTF-8");
        Some((memory, code(status), written))
    }

    /// The same with another program: for tests of this file.
    #[track_caller]
    pub fn run_with(mut self, program: &Path) -> Output {
        let own_directory = TempDir::new().expect("a directory");
        let cwd = self.cwd.take();
        let cwd = cwd.as_deref().unwrap_or(own_directory.path());
        let (output, in_time) = self.execute(program, cwd);
        let problems = self.problems(&output, in_time);
        assert!(problems.is_empty(), "{}", self.report(&problems, &output));
        output
    }

    fn execute(&mut self, program: &Path, cwd: &Path) -> (Output, bool) {
        let stdin = std::mem::replace(&mut self.stdin, Feed::Nothing);
        let mut command = self.command(program, cwd, &stdin);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let held = feed(&mut child, stdin);
        let (status, in_time) = wait(&mut child, began, self.deadline);
        drop(held);
        let output = Output {
            status,
            stdout: stdout.join().expect("a reader"),
            stderr: stderr.join().expect("a reader"),
            took: began.elapsed(),
        };
        (output, in_time)
    }

    /// The command, without stdout and stderr.
    fn command(&self, program: &Path, cwd: &Path, stdin: &Feed) -> Command {
        let mut words = self.starter.clone();
        if matches!(stdin, Feed::Closed) {
            // `Command` cannot close a descriptor, so a shell does, and replaces itself by the program.
            words.extend(["/bin/sh", "-c", "exec \"$@\" <&-", "sh"].map(OsString::from));
        }
        words.push(program.into());
        words.extend_from_slice(&self.arguments);
        let (program, arguments) = words.split_first().expect("a program at least");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(cwd)
            .stdin(match stdin {
                Feed::Nothing | Feed::Closed => Stdio::null(),
                Feed::Bytes(_) | Feed::Silent => Stdio::piped(),
            });
        command
    }

    fn problems(&self, output: &Output, in_time: bool) -> Vec<String> {
        let mut problems = Vec::new();
        if !in_time {
            problems.push(format!(
                "it ran for more than {:?} and was killed",
                self.deadline
            ));
        }
        for (what, marker) in [("secret", MARKER_SECRET), ("key", MARKER_KEY)] {
            for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                if contains(bytes, marker.as_bytes()) {
                    problems.push(format!("LEAK: the marker {what} is on {stream}"));
                }
            }
        }
        if self
            .code
            .is_some_and(|expected| expected != code(output.status))
        {
            problems.push("the exit code differs".to_owned());
        }
        if !self.stdout.holds(&output.stdout) {
            problems.push("stdout differs".to_owned());
        }
        if !self.stderr.holds(&output.stderr) {
            problems.push("stderr differs".to_owned());
        }
        problems
    }

    fn report(&self, problems: &[String], output: &Output) -> String {
        let names: Vec<_> = self.variables.iter().map(|(name, _)| name).collect();
        let mut text = String::new();
        let _ = writeln!(text, "{}", problems.join("; "));
        let _ = writeln!(text, "arguments: {:?}", self.arguments);
        let _ = writeln!(text, "variables: {names:?}");
        let _ = writeln!(text, "expected code: {:?}", self.code);
        let _ = writeln!(text, "  actual code: {}", code(output.status));
        for (stream, expected, actual) in [
            ("stdout", &self.stdout, &output.stdout),
            ("stderr", &self.stderr, &output.stderr),
        ] {
            let expected = match expected {
                Expected::Exactly(bytes) => shown(bytes),
                Expected::Anything => "anything".to_owned(),
            };
            let _ = writeln!(text, "expected {stream}: {expected}");
            let _ = writeln!(text, "  actual {stream}: {}", shown(actual));
        }
        if let Some(server) = self.log {
            let _ = writeln!(text, "log of the server:\n{}", server.log());
        }
        text
    }
}

impl Expected {
    fn holds(&self, actual: &[u8]) -> bool {
        match self {
            Self::Exactly(bytes) => bytes == actual,
            Self::Anything => true,
        }
    }
}

/// The text with control characters escaped, but for line ends.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::from("«");
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n\n    "),
            other if other.is_control() => shown.extend(other.escape_default()),
            other => shown.push(other),
        }
    }
    shown + "»"
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

/// The exit code as a shell reports it.
#[must_use]
pub fn code(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap_or(-1)
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut stream = stream.expect("a piped stream");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// Feeds standard input from a thread: the program may stop reading, or start late. What it returns keeps a silent
/// input open.
fn feed(child: &mut Child, stdin: Feed) -> Option<ChildStdin> {
    let mut pipe = child.stdin.take()?;
    if let Feed::Bytes(bytes) = stdin {
        std::thread::spawn(move || {
            // EPIPE: the program has closed its end.
            let _ = pipe.write_all(&bytes);
        });
        return None;
    }
    Some(pipe)
}

fn wait(child: &mut Child, began: Instant, deadline: Duration) -> (ExitStatus, bool) {
    loop {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            return (status, true);
        }
        if began.elapsed() > deadline {
            let _ = child.kill();
            return (child.wait().expect("a killed child"), false);
        }
        std::thread::sleep(POLL);
    }
}
