//! Runs of the program in namespaces of their own, with files and a network that a script made.

use super::{Run, tools, write};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A file system of its own, over whose files the script may mount others. What the script leaves running ends with
/// the program. `None` where this machine has no such thing, which was said in a line.
pub fn files<'a>(run: Run<'a>, script: &str) -> Option<Run<'a>> {
    apart(run, "-rmpf", script)
}

/// That, and a network of its own, with nothing in it but a loopback that is down.
pub fn network<'a>(run: Run<'a>, script: &str) -> Option<Run<'a>> {
    if !tools::have("ip") || !tools::have("iptables") {
        return None;
    }
    apart(run, "-rmnpf", script)
}

/// A [`network`] in which names are asked for at a `dnsmasq` with these options, which knows no others than they say.
/// What it was asked is in `dnsmasq.log` of the directory.
pub fn names<'a>(run: Run<'a>, directory: &TempDir, options: &str) -> Option<Run<'a>> {
    if !tools::have("dnsmasq") {
        return None;
    }
    // A resolver waits for a better answer than a refusal.
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

/// The words of a command that starts the program as the first process of a namespace, as in a container without an
/// init. `None` where this machine has no such thing.
pub fn first_process() -> Option<[&'static str; 3]> {
    let words = [UNSHARE, "--kill-child", "-rpf"];
    is_allowed(&words).then_some(words)
}

/// The process that the command of [`first_process`] started.
///
/// # Panics
/// Where there is none after a while.
pub fn started_by(id: u32) -> u32 {
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

/// A command that starts a program with this directory as the root of its file system: the program's path in there
/// follows, and its arguments. `None` where this machine lets nobody do that, or the program needs an emulator in there.
pub fn rooted(root: &Path) -> Option<Command> {
    if tools::is_emulated() {
        return None;
    }
    // Neither being root nor user namespaces are a given.
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

/// A container can forbid namespaces.
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

fn apart<'a>(run: Run<'a>, namespaces: &str, script: &str) -> Option<Run<'a>> {
    if !is_allowed(&[UNSHARE, "--kill-child", namespaces]) {
        return None;
    }
    // The path is a variable of the shell, which the program does not get. The shell stays, because the first process
    // of a namespace is the parent of what was left running, and a tracer would wait for that.
    let script = format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; {script}; \"$@\"; exit $?");
    Some(run.started_by([
        UNSHARE,
        "--kill-child",
        namespaces,
        "/bin/sh",
        "-c",
        &script,
        "sh",
    ]))
}
