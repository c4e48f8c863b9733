//! Measures one run of a program: time, memory, instructions, system calls.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command line with its whole environment, and what it reads. `{n}` in an argument becomes the number of the run,
/// for what can be done once only.
#[derive(Clone)]
pub struct Job {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
}

impl Job {
    /// Which run this is: one number for the whole benchmark.
    fn number() -> usize {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// Prepares the command behind a prefix: a program that watches it, with its options.
    fn command(&self, prefix: &[&str]) -> Command {
        let number = Self::number().to_string();
        let mut words: Vec<String> = prefix.iter().map(|word| (*word).to_owned()).collect();
        words.push(self.program.display().to_string());
        words.extend(self.arguments.iter().map(|one| one.replace("{n}", &number)));
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs it once; whether it succeeded.
    pub fn run(&self) -> bool {
        self.command(&[])
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Runs it once and returns its output, to show why it failed.
    pub fn explain(&self) -> String {
        let mut command = self.command(&[]);
        match command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
        {
            Ok(output) => format!(
                "{}: {}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => error.to_string(),
        }
    }
}

/// Medians over many runs.
#[derive(Clone, Copy)]
pub struct Times {
    pub wall: Duration,
    /// User and system time, children included.
    pub cpu: Duration,
}

/// Runs it `runs` times after a warm-up.
pub fn times(job: &Job, runs: usize) -> Option<Times> {
    job.run().then_some(())?;
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (cpu_before, began) = (children_cpu(), Instant::now());
        job.run().then_some(())?;
        walls.push(began.elapsed());
        cpus.push(children_cpu().saturating_sub(cpu_before));
    }
    Some(Times {
        wall: median(walls),
        cpu: median(cpus),
    })
}

fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

/// Instructions of the whole process tree, counted by valgrind; the count does not depend on the load of the machine.
pub fn instructions(job: &Job) -> Option<u64> {
    let directory = tempfile::tempdir().ok()?;
    let log = directory.path().join("log.%p");
    let log_option = format!("--log-file={}", log.display());
    let prefix = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--trace-children=yes",
        log_option.as_str(),
    ];
    let status = job.command(&prefix).status().ok()?;
    status.success().then_some(())?;
    let mut total = 0;
    for entry in fs::read_dir(directory.path()).ok()? {
        let text = fs::read_to_string(entry.ok()?.path()).ok()?;
        let (_, rest) = text.split_once("Collected : ")?;
        total += rest.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    (total > 0).then_some(total)
}

/// Peak resident memory in KiB, by GNU time: a small parent, whose own pages are not counted for the child's.
pub fn memory(job: &Job) -> Option<u64> {
    let file = tempfile::NamedTempFile::new().ok()?;
    let path = file.path().display().to_string();
    let prefix = ["/usr/bin/time", "-f", "%M", "-o", path.as_str()];
    let status = job.command(&prefix).status().ok()?;
    status.success().then_some(())?;
    let text = fs::read_to_string(file.path()).ok()?;
    text.lines().last()?.trim().parse().ok()
}

/// The length of the first reply in bytes, from the output of `--debug`.
pub fn reply_length(job: &Job) -> Option<u64> {
    let mut job = job.clone();
    job.arguments.push("--debug".to_owned());
    let output = job.command(&[]).stderr(Stdio::piped()).output().ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    let (_, rest) = text.split_once("status 200, ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// System calls, children included, by strace.
pub fn system_calls(job: &Job) -> Option<u64> {
    let file = tempfile::NamedTempFile::new().ok()?;
    let path = file.path().display().to_string();
    let prefix = ["strace", "-f", "-c", "-o", path.as_str()];
    let status = job.command(&prefix).status().ok()?;
    status.success().then_some(())?;
    let text = fs::read_to_string(file.path()).ok()?;
    let total = text
        .lines()
        .rev()
        .find(|line| line.trim_end().ends_with("total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}

/// The size of a file in bytes; of a script, nothing.
pub fn size(path: &Path) -> Option<u64> {
    let is_script = fs::read(path).ok()?.starts_with(b"#!");
    (!is_script).then_some(fs::metadata(path).ok()?.len())
}

/// Looks a program up in PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}
