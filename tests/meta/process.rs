//! The process: signals, closed and full streams, limits, the files it opens and the hosts it connects to.

use crate::server::{Behaviour, End, Point, Scope, Server, When};
use crate::support::pty::Session;
use crate::support::tools::{self, is_emulated};
use crate::support::{MARKER_KEY, MARKER_SECRET, binary, code, feed_until_request, namespaces, oz};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program behind a shell's redirections: `"$@"` stands for it and its arguments.
fn sh(script: &str, args: &[&str], server: &Server) -> Output {
    Command::new("/bin/sh")
        .args(["-c", script, "sh"])
        .arg(binary())
        .args(args)
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn expect(output: &Output, expected: i32, stdout: &str, stderr: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert_eq!(code(output.status), expected);
}

#[test]
fn a_closed_output_pipe_is_no_failure() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    // The exit status of the program, not of the pipe: it goes to standard error by way of descriptor 2.
    let script = "{ \"$@\"; echo \"exit $?\" >&2; } | { exec <&-; sleep 0.3; }";
    expect(&sh(script, &["secret", "list"], &server), 0, "", "exit 0\n");
}

#[test]
fn a_full_disk_is_reported_with_what_was_done() {
    let server = Server::start();
    let cause = "  caused by: No space left on device\n";
    expect(
        &sh("\"$@\" > /dev/full", &["secret", "list"], &server),
        1,
        "",
        &format!("error: the result could not be written to standard output\n{cause}"),
    );
    expect(
        &sh(
            "echo x | \"$@\" > /dev/full",
            &["secret", "create", "N", "--trim-newline"],
            &server,
        ),
        1,
        "",
        &format!(
            "error: it was done, but the result could not be written to standard output\n{cause}"
        ),
    );
    assert!(server.secret(Scope::Personal, "N").is_some());
    let output = sh(
        "\"$@\" > /dev/full",
        &[
            "secret",
            "delete",
            "N",
            "--force",
            "--output-format",
            "json",
        ],
        &server,
    );
    let document: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (
            document["error"]["kind"].as_str(),
            document["error"]["applied"].as_bool()
        ),
        (Some("output"), Some(true))
    );
    expect(
        &sh("\"$@\" > /dev/full", &["--version"], &server),
        1,
        "",
        &format!("error: the result could not be written to standard output\n{cause}"),
    );
}

#[test]
fn an_unwritable_output_is_reported() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let file = file.display();
    // A descriptor that is open for reading only, and a file that may hold nothing (RLIMIT_FSIZE, SIGXFSZ).
    for (redirected, cause) in [
        (
            format!("\"$@\" 1< {file}"),
            "  caused by: Bad file descriptor\n",
        ),
        (
            format!("ulimit -f 0; exec \"$@\" > {file}"),
            "  caused by: File too large\n",
        ),
    ] {
        let message = "the result could not be written to standard output\n";
        for words in [
            &["secret", "list"][..],
            &["secret", "list", "--output-format=text"],
            &["--version"],
            &["help"],
        ] {
            expect(
                &sh(&redirected, words, &server),
                1,
                "",
                &format!("error: {message}{cause}"),
            );
        }
        let words = ["secret", "update", "N", "-d", "x"];
        expect(
            &sh(&redirected, &words, &server),
            1,
            "",
            &format!("error: it was done, but {message}{cause}"),
        );
    }
}

#[test]
fn an_output_that_does_not_block_is_waited_for() {
    use nix::fcntl::OFlag;
    use std::io::Read;
    let server = Server::start();
    // More than a pipe holds.
    for number in 0..2000 {
        server.seed_raw(Scope::Personal, &format!("SECRET_{number:04}"));
    }
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    let child = Command::new(binary())
        .args(["secret", "list", "--output-format", "json"])
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let mut text = String::new();
    fs::File::from(reader).read_to_string(&mut text).unwrap();
    expect(&child.wait_with_output().unwrap(), 0, "", "");
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2000);
}

#[test]
fn runs_with_closed_descriptors() {
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script = format!("\"$@\" {closed}; echo \"exit $?\"");
        let output = sh(
            &script,
            &["secret", "list", "--output-format", "ndjson"],
            &server,
        );
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.ends_with("exit 0\n"), "{closed}: {stdout}");
        assert_eq!(
            stdout.contains("\"N\""),
            !closed.contains(">&- ") && closed != ">&-",
            "{closed}: {stdout}"
        );
    }
    // Without stderr there is still the exit code.
    expect(
        &sh(
            "\"$@\" 2>&-",
            &["secret", "delete", "M", "--force"],
            &server,
        ),
        3,
        "",
        "",
    );
}

/// Starts a run that hangs: the server reads the request and never answers.
fn hanging(server: &Server) -> Child {
    let directory = tempfile::tempdir().unwrap();
    let command = if is_root() {
        as_nobody(&directory)
    } else {
        Command::new(binary())
    };
    hanging_as(command, server)
}

fn hanging_as(mut command: Command, server: &Server) -> Child {
    server.always(When::Any, Behaviour::Vanish(Point::Body, End::Silent));
    let child = command
        .args(["secret", "create", "N"])
        .env_clear()
        .envs(server.env())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    feed_until_request(&mut child, MARKER_SECRET, server);
    child
}

/// Whether tests run as root, who can read every file and become another user.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The program as an unprivileged user. It is copied into this directory, which is opened to all users.
pub fn as_nobody(directory: &tempfile::TempDir) -> Command {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.path().join("oz");
    fs::copy(binary(), &path).unwrap();
    for path in [directory.path(), &path] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(path);
    become_nobody(&mut command);
    command
}

/// Without the groups of root, too.
fn become_nobody(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.uid(65534).gid(65534);
}

/// Sends a signal to a process, and checks that the run ends by it at once, without output.
#[track_caller]
fn ends_on(child: Child, process: u32, signal: i32) {
    send(process, signal);
    let began = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{signal} took {:?}",
        began.elapsed()
    );
    expect(&output, 128 + signal, "", "");
}

fn send(process: u32, signal: i32) {
    // The `kill` of the shell accepts numbers that have no name.
    let kill = format!("kill -{signal} {process}");
    let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn signals_end_it_at_once_and_silently() {
    // SIGHUP, SIGINT and SIGTERM.
    for signal in [1, 2, 15] {
        let server = Server::start();
        let child = hanging(&server);
        let process = child.id();
        ends_on(child, process, signal);
    }
}

/// The program as the first process of a namespace: the kernel drops signals to it that it has not asked for.
fn as_first_process(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(binary());
    command
}

#[test]
fn signals_end_the_first_process_of_a_container() {
    if is_emulated() {
        return;
    }
    let Some(words) = namespaces::pid_1() else {
        return;
    };
    // Those, SIGQUIT, SIGUSR1, SIGALRM and one of real time.
    for signal in [1, 2, 15, 3, 10, 14, 40] {
        let server = Server::start();
        let child = hanging_as(as_first_process(&words), &server);
        let process = namespaces::child_of(child.id());
        ends_on(child, process, signal);
    }
    // While it waits for standard input.
    let server = Server::start();
    let mut child = as_first_process(&words)
        .args(["secret", "create", "N"])
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let process = namespaces::child_of(child.id());
    let began = Instant::now();
    // It blocks signals before it reads.
    while !fs::read_to_string(format!("/proc/{process}/status"))
        .is_ok_and(|status| status.contains("Name:\toz\n") && status.contains("SigBlk:\tfff"))
    {
        assert!(began.elapsed() < Duration::from_secs(10), "nothing blocked");
        std::thread::sleep(Duration::from_millis(5));
    }
    ends_on(child, process, 15);
    drop(stdin);
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_first_process_of_a_container_can_ask() {
    if is_emulated() {
        return;
    }
    let Some(starter) = namespaces::pid_1() else {
        return;
    };
    let start = |server: &Server| {
        let words = ["secret", "create", "N", "--personal"];
        Session::started_by(&starter, &words, &server.env())
    };
    let cancelled = "Value for new personal secret 'N'\r\n? Secret value: \r\x1b[J? Secret value: <canceled>\r\nerror: ";
    for (signal, word, code) in [
        (None, "cancelled", 130),
        (Some(2), "cancelled", 130),
        (Some(15), "terminated", 143),
        (Some(10), "terminated", 138),
    ] {
        let server = Server::start();
        let mut session = start(&server);
        session.expect("? Secret value: ");
        match signal {
            None => session.send("\x03"),
            Some(signal) => send(namespaces::child_of(session.id()), signal),
        }
        assert_eq!(session.end(), code);
        assert_eq!(session.transcript(), format!("{cancelled}{word}\r\n"));
        assert!(session.is_canonical());
    }
    // Before the question and after it.
    for op in ["Lookup", "CreateManagedSecret"] {
        let server = Server::start();
        let silent = Behaviour::Vanish(Point::Body, End::Silent);
        server.always(When::Op(op), silent);
        let mut session = start(&server);
        if op != "Lookup" {
            session.expect("? Secret value: ");
            session.send("v\r");
        }
        let began = Instant::now();
        while server.ops().last().is_none_or(|last| last != op) {
            assert!(began.elapsed() < Duration::from_secs(10), "no {op} came");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(session.echoes(), op != "Lookup");
        session.send("\x03");
        assert_eq!(session.end(), 130, "{op}");
        assert!(session.is_canonical());
    }
}

#[test]
fn nothing_is_left_for_a_debugger_or_a_core_file() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    let mut child = hanging(&server);
    let proc = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(),
        ["0", "0"],
        "{core}"
    );
    // The kernel gives the files of a process that may not be dumped to root, and so denies ptrace and /proc/PID/mem
    // to others of the same user (proc(5), prctl(2) PR_SET_DUMPABLE).
    assert_eq!(fs::metadata(format!("{proc}/environ")).unwrap().uid(), 0);
    if is_root() {
        for file in ["environ", "mem", "auxv"] {
            let mut spy = Command::new("head");
            become_nobody(spy.arg("-c1"));
            let seen = spy.arg(format!("{proc}/{file}")).output().unwrap();
            assert!(!seen.status.success() && seen.stdout.is_empty(), "{file}");
        }
    }
    let words = fs::read(format!("{proc}/cmdline")).unwrap();
    for marker in [MARKER_SECRET, MARKER_KEY] {
        assert!(
            !words
                .windows(marker.len())
                .any(|part| part == marker.as_bytes())
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn little_memory_is_enough() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    // 8 MiB of address space, for program, stack and all.
    let output = sh(
        "ulimit -v 8192; exec \"$@\"",
        &["secret", "list", "--output-format", "text"],
        &server,
    );
    assert_eq!(
        code(output.status),
        0,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_program_without_a_name_and_a_directory_that_is_gone() {
    if is_emulated() {
        return;
    }
    use std::os::unix::process::CommandExt;
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let output = Command::new(binary())
        .arg0("")
        .args(["secret", "list", "--output-format", "json"])
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::null())
        .current_dir(&path)
        .output()
        .unwrap();
    expect(&output, 0, "[]\n", "");
    let script = format!("cd '{0}' && rmdir '{0}' && exec \"$@\"", path.display());
    expect(
        &sh(
            &script,
            &["secret", "list", "--output-format", "json"],
            &server,
        ),
        0,
        "[]\n",
        "",
    );
}

#[test]
fn rejects_variables_that_are_not_utf_8() {
    let server = Server::start();
    let bytes = OsStr::from_bytes(b"\xff\xfe");
    oz(&["secret", "list", "--output-format", "json"])
        .server(&server)
        .env("HOME", bytes)
        .env("LANG", bytes)
        .stdout("[]\n")
        .run();
    oz(&["secret", "list"])
        .server(&server)
        .env("WARP_API_KEY", bytes)
        .code(78)
        .stderr(
            "error: WARP_API_KEY holds a character that is not ASCII at byte offset 0\n\
             hint: an API key is one word of printable ASCII that starts with wk-\n",
        )
        .run();
    for (variable, problem) in [
        ("WARP_OUTPUT_FORMAT", "one of pretty, text, json, ndjson"),
        ("WARP_SECRET_SCOPE", "one of personal, team, team=UID"),
        ("WARP_SERVER_ROOT_URL", "UTF-8"),
    ] {
        oz(&["secret", "list"])
            .server(&server)
            .env(variable, bytes)
            .code(2)
            .stderr(format!(
                "error: the value of {variable} is not {problem}\nhint: see `oz secret list --help`\n"
            ))
            .run();
    }
    assert_eq!(server.connections(), 1);
}

/// Runs under strace and returns the trace.
fn traced(server: &Server, args: &[&str], stdin: &str) -> Option<String> {
    oz(args)
        .server(server)
        .stdin(stdin)
        .any_stdout()
        .trace("-e trace=%file,%network")
}

#[test]
fn writes_no_file_and_connects_to_no_other_host() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    for (args, stdin) in [
        (&["secret", "create", "N"][..], "value"),
        (&["secret", "list"], ""),
        (&["secret", "update", "N", "--value"], "other"),
        (&["secret", "delete", "N", "--force"], ""),
    ] {
        let Some(trace) = traced(&server, args, stdin) else {
            return;
        };
        let port = format!("htons({})", server.address().port());
        for line in trace.lines() {
            for word in [
                "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "mkdir", "unlink", "rename", "bind(",
            ] {
                assert!(!line.contains(word), "{line}");
            }
            if line.contains("connect(") && !line.contains("AF_UNIX") {
                assert!(line.contains(&port), "{line}");
            }
        }
        assert!(trace.contains(&port), "the trace shows connections at all");
    }
}

/// A read-only root with the program and the authority to trust, but no `/proc`, `/dev`, `/etc` or temporary directory.
/// `None` where that is not allowed, or the program needs an emulator.
fn bare_root(server: &Server) -> Option<(tempfile::TempDir, Vec<&'static str>)> {
    if is_emulated() || !tools::have("unshare") {
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    fs::copy(binary(), root.path().join("oz")).unwrap();
    fs::copy(server.ca_path(), root.path().join("ca.pem")).unwrap();
    let ways: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-r", "-m"]];
    for way in ways {
        let mut command = Command::new(way[0]);
        let tried = command
            .args(&way[1..])
            .args(["/bin/sh", "-c", READ_ONLY, "sh"])
            .arg(root.path())
            .arg("/oz");
        let tried = tried.arg("--version").stdin(Stdio::null()).output();
        if tried.is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"oz ")) {
            return Some((root, [way, &["/bin/sh", "-c", READ_ONLY, "sh"]].concat()));
        }
    }
    tools::skip_without("mount namespaces");
    None
}

/// Takes the root, then the program and its arguments. Fails if the root is writable.
const READ_ONLY: &str = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; root=$1; shift; mount --bind \"$root\" \"$root\" && mount -o remount,ro,bind \"$root\" \
                         && ! touch \"$root/x\" 2>/dev/null && exec chroot \"$root\" \"$@\"";

/// The program in a bare root.
fn bare(root: &tempfile::TempDir, way: &[&str], server: &Server, args: &[&str]) -> Command {
    let mut command = Command::new(way[0]);
    command
        .args(&way[1..])
        .arg(root.path())
        .arg("/oz")
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(server.env())
        .env("SSL_CERT_FILE", "/ca.pem");
    command
}

#[test]
fn a_read_only_root_with_nothing_in_it_is_enough() {
    let server = Server::start();
    let Some((root, way)) = bare_root(&server) else {
        return;
    };
    for (args, stdout) in [
        (&["secret", "create", "N"][..], "Secret 'N' created\n"),
        (
            &["secret", "update", "N", "--value"],
            "Secret 'N' updated\n",
        ),
        (&["secret", "delete", "M", "--force"], ""),
        (
            &["secret", "delete", "N", "--force"],
            "Secret 'N' deleted\n",
        ),
        (&["secret", "list", "--output-format=json"], "[]\n"),
    ] {
        let mut child = bare(&root, &way, &server, args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A verb without a value reads none.
        let _ = child
            .stdin
            .take()
            .unwrap()
            .write_all(MARKER_SECRET.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), stdout, "{args:?}");
        assert_eq!(
            code(output.status),
            if stdout.is_empty() { 3 } else { 0 },
            "{args:?}"
        );
        assert_eq!(
            output.stderr.is_empty(),
            !stdout.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn without_random_numbers_nothing_is_sent() {
    if !tools::have("strace") {
        return;
    }
    let server = Server::start();
    server.seed_raw(Scope::Personal, "N");
    let Some((root, way)) = bare_root(&server) else {
        return;
    };
    let log = tempfile::NamedTempFile::new().unwrap();
    // There is no /dev/urandom in a bare root, and a sandbox can refuse the call.
    for error in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=getrandom:error={error}");
        let run = |words: &[&str]| {
            let bare = bare(&root, &way, &server, words);
            let mut command = Command::new("strace");
            command
                .args(["-f", "-qq", "-e", "trace=getrandom", "-e", &inject, "-o"])
                .arg(log.path())
                .arg(bare.get_program())
                .args(bare.get_args())
                .env_clear();
            for (name, value) in bare.get_envs() {
                command.env(name, value.unwrap_or_default());
            }
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
            let _ = child
                .stdin
                .take()
                .unwrap()
                .write_all(MARKER_SECRET.as_bytes());
            child.wait_with_output().unwrap()
        };
        for words in [
            &["secret", "list"][..],
            &["secret", "create", "M"],
            &["secret", "update", "N", "--value"],
            &["secret", "delete", "N", "--force"],
        ] {
            expect(
                &run(words),
                1,
                "",
                "error: this machine gives no random numbers\n  \
                 caused by: getrandom is refused, and /dev/random or /dev/urandom cannot be read\n",
            );
            let trace = fs::read_to_string(log.path()).unwrap();
            assert!(trace.contains("getrandom"), "{trace}");
        }
        for words in [&["--version"][..], &["help"], &["completions", "bash"]] {
            let output = run(words);
            assert_eq!((code(output.status), output.stderr.len()), (0, 0));
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn asks_nothing_at_a_terminal_without_a_device_file() {
    let server = Server::start();
    let Some((root, way)) = bare_root(&server) else {
        return;
    };
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let (_terminal, far_end) = pty_process::blocking::open().unwrap();
    let bare = bare(&root, &way, &server, &["secret", "create", "N"]);
    let mut command = pty_process::blocking::Command::new(bare.get_program());
    command = command.env_clear().args(bare.get_args());
    for (name, value) in bare.get_envs() {
        command = command.env(name, value.unwrap_or_default());
    }
    let mut child = command
        .stdout(Stdio::null())
        .stderr(stderr.reopen().unwrap())
        .spawn(far_end)
        .unwrap();
    assert_eq!(code(child.wait().unwrap()), 2);
    assert_eq!(
        fs::read_to_string(stderr.path()).unwrap(),
        "error: cannot ask on the terminal: standard error is no terminal, and /dev/tty cannot be opened\n  \
         caused by: No such file or directory\n\
         hint: give every value as an option, from a file or on standard input\n",
    );
    assert!(
        !server.ops().iter().any(|op| op != "Lookup"),
        "{:?}",
        server.ops()
    );
}

#[test]
fn an_empty_environment_is_enough_where_options_say_it_all() {
    let server = Server::start();
    let ca = server.ca_path().display().to_string();
    let key = tempfile::NamedTempFile::new().unwrap();
    fs::write(key.path(), format!("{}\n", server.api_key())).unwrap();
    oz(&[
        "secret",
        "create",
        "N",
        "--server-root-url",
        &server.root(),
        "--ca-file",
        &ca,
        "--api-key-file",
    ])
    .arg(key.path())
    .stdin(MARKER_SECRET)
    .stdout("Secret 'N' created\n")
    .run();
    assert!(server.secret(Scope::Personal, "N").is_some());
}

#[test]
fn a_program_without_a_name_and_without_words_shows_its_help() {
    use std::os::unix::process::CommandExt;
    // Linux turns an empty argument vector into this one (execve(2), since 5.18).
    let output = Command::new(binary())
        .arg0("")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let help = Command::new(binary())
        .arg("-h")
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        help.stdout.starts_with(b"Managed secrets"),
        "{}",
        String::from_utf8_lossy(&help.stdout)
    );
    assert_eq!(output.stdout, help.stdout);
    expect(&output, 0, &String::from_utf8_lossy(&help.stdout), "");
}

#[test]
fn a_full_standard_error_changes_nothing_about_the_outcome() {
    let server = Server::start();
    let script = "echo x | \"$@\" 2> /dev/full";
    expect(
        &sh(script, &["secret", "create", "N"], &server),
        0,
        "Secret 'N' created\n",
        "",
    );
    expect(&sh(script, &["secret", "create", "N"], &server), 5, "", "");
    expect(
        &sh(
            script,
            &["secret", "delete", "M", "--force", "--debug"],
            &server,
        ),
        3,
        "",
        "",
    );
}

#[test]
fn a_standard_input_that_does_not_block_is_waited_for() {
    use nix::fcntl::OFlag;
    let server = Server::start();
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    let child = Command::new(binary())
        .args(["secret", "create", "N"])
        .env_clear()
        .envs(server.env())
        .stdin(Stdio::from(reader))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = fs::File::from(writer);
    for part in MARKER_SECRET.split_inclusive('-') {
        std::thread::sleep(Duration::from_millis(100));
        writer.write_all(part.as_bytes()).unwrap();
    }
    drop(writer);
    let output = child.wait_with_output().unwrap();
    expect(&output, 0, "Secret 'N' created\n", "");
    let expected = format!(r#"{{"value":"{MARKER_SECRET}"}}"#);
    assert_eq!(server.opened(Scope::Personal, "N"), Some(expected));
}

#[test]
fn standard_input_needs_no_descriptor_of_its_own() {
    if is_emulated() {
        return;
    }
    let server = Server::builder().tls(crate::server::Tls::Off).start();
    // No more than the three streams.
    let unreachable = format!(
        "error: localhost:{} could not be reached\n  caused by: No file descriptors available\n\
         hint: check --server-root-url, the proxy variables and the network\n",
        server.address().port()
    );
    let empty = "error: standard input is empty\nhint: an empty value is never stored; did the command before the pipe fail?\n";
    for (stdin, code, stderr) in [("printf x", 69, unreachable.as_str()), (":", 65, empty)] {
        // A variable that is set but empty counts as not set.
        let script = format!("{stdin} | {{ ulimit -n 3; SSL_CERT_FILE= exec \"$@\"; }}");
        expect(
            &sh(&script, &["secret", "create", "N"], &server),
            code,
            "",
            stderr,
        );
    }
    assert_eq!(server.connections(), 0);
    let words = ["--version"];
    assert_eq!(code(sh("ulimit -n 3; \"$@\"", &words, &server).status), 0);
}

#[test]
fn a_sandbox_may_refuse_to_duplicate_descriptors() {
    if is_emulated() {
        return;
    }
    let server = Server::start();
    let run = oz(&["secret", "create", "N"])
        .server(&server)
        .stdin(MARKER_SECRET)
        .stdout("Secret 'N' created\n");
    if run.trace("-e inject=fcntl:error=EPERM").is_some() {
        let expected = format!(r#"{{"value":"{MARKER_SECRET}"}}"#);
        assert_eq!(server.opened(Scope::Personal, "N"), Some(expected));
    }
}

#[test]
fn an_unreadable_standard_input_is_reported() {
    let server = Server::start();
    for (redirection, cause) in [
        ("< /", "Is a directory"),
        ("0> /dev/null", "Bad file descriptor"),
    ] {
        let script = format!("\"$@\" {redirection}");
        for args in [
            &["secret", "create", "N"][..],
            &["secret", "list", "--api-key-file=-"],
        ] {
            expect(
                &sh(&script, args, &server),
                66,
                "",
                &format!("error: cannot read standard input\n  caused by: {cause}\n"),
            );
        }
    }
    assert_eq!(server.connections(), 0);
}
