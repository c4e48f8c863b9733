//! Runs the program in Linux namespaces, after a script has set up mounts and the network there.

use super::{Run, tools, write};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs it in a mount and a PID namespace; the script may mount files over others. Processes that the script leaves in the
/// background end with the program. `None` where namespaces are not allowed; the test is then recorded as skipped.
pub fn mounts<'a>(run: Run<'a>, script: &str) -> Option<Run<'a>> {
    unshare(run, "-rmpf", script)
}

/// The same, and in a network namespace, which has a loopback interface only, and that is down.
pub fn network<'a>(run: Run<'a>, script: &str) -> Option<Run<'a>> {
    if !tools::have("ip") || !tools::have("iptables") {
        return None;
    }
    unshare(run, "-rmnpf", script)
}

/// The command that starts a program in the namespaces of [`network`].
pub fn network_starter(script: &str) -> Option<[String; 7]> {
    if !tools::have("ip") {
        return None;
    }
    starter("-rmnpf", script)
}

/// A [`network`] whose resolver is a `dnsmasq` with these options and no upstream. Its queries are logged in `dnsmasq.log`
/// of the directory.
pub fn network_with_dns<'a>(run: Run<'a>, directory: &TempDir, options: &str) -> Option<Run<'a>> {
    if !tools::have("dnsmasq") {
        return None;
    }
    // After a refusal the resolver would wait for another answer.
    let once = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
    let resolver = write(directory, "resolv.conf", once);
    let log = directory.path().join("dnsmasq.log");
    let script = format!(
        "ip link set lo up; mount --bind {resolver} /etc/resolv.conf; \
         dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --listen-address=127.0.0.1 \
         --bind-interfaces --log-queries --log-facility=- {options} >{log} 2>&1 & \
         until grep -qs started {log}; do sleep 0.01; done",
        resolver = resolver.display(),
        log = log.display(),
    );
    network(run, &script)
}

/// The command that starts the program as the first process of a PID namespace, as in a container without an init. `None`
/// where namespaces are not allowed.
pub fn pid_1() -> Option<[&'static str; 3]> {
    let words = [UNSHARE, "--kill-child", "-rpf"];
    is_allowed(&words).then_some(words)
}

/// The process that the command of [`pid_1`] started.
///
/// # Panics
/// When there is none after ten seconds.
pub fn child_of(id: u32) -> u32 {
    let began = Instant::now();
    loop {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        if let Some(child) = children.ok().and_then(|ids| ids.trim().parse().ok()) {
            return child;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "no process came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The command that starts a program with this directory as its root: add the program's path in it, and the arguments.
/// `None` where that is not allowed, or the program needs an emulator.
pub fn chroot(root: &Path) -> Option<Command> {
    if tools::is_emulated() {
        return None;
    }
    // Without being root it takes a user namespace, which may be forbidden.
    for way in [&[][..], &[UNSHARE, "-r"]] {
        let command = |root: &Path| {
            let mut command = Command::new("/bin/sh");
            command
                .args([
                    "-c",
                    "PATH=/usr/sbin:/usr/bin:/sbin:/bin; exec \"$@\"",
                    "sh",
                ])
                .args(way)
                .arg("chroot")
                .arg(root);
            command
        };
        let tried = command(Path::new("/")).arg("true").output();
        if tried.is_ok_and(|output| output.status.success()) {
            return Some(command(root));
        }
    }
    tools::skip_without("to be root, or user namespaces");
    None
}

const UNSHARE: &str = "/usr/bin/unshare";

/// Whether this `unshare` works: a container can forbid namespaces.
fn is_allowed(words: &[&str]) -> bool {
    if !tools::have("unshare") {
        return false;
    }
    let tried = Command::new(words[0])
        .args(&words[1..])
        .arg("true")
        .stderr(Stdio::null())
        .status();
    let allowed = tried.is_ok_and(|status| status.success());
    if !allowed {
        tools::skip_without("namespaces");
    }
    allowed
}

fn unshare<'a>(run: Run<'a>, namespaces: &str, script: &str) -> Option<Run<'a>> {
    Some(run.started_by(starter(namespaces, script)?))
}

fn starter(namespaces: &str, script: &str) -> Option<[String; 7]> {
    if !is_allowed(&[UNSHARE, "--kill-child", namespaces]) {
        return None;
    }
    // PATH is not exported, so the program does not get it. No `exec`: the shell is the parent of the processes left in
    // the background, which a tracer of the program would otherwise wait for.
    let script = format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; {script}; \"$@\"; exit $?");
    let words = [
        UNSHARE,
        "--kill-child",
        namespaces,
        "/bin/sh",
        "-c",
        &script,
        "sh",
    ];
    Some(words.map(str::to_owned))
}
