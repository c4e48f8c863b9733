//! Stops the program at its first message, and reads its memory.

use super::tools;
use nix::fcntl::{FcntlArg, fcntl};
use std::fs::{self, File};
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// How long the program may take to get to its first message.
const DEADLINE: Duration = Duration::from_secs(30);

/// The number of write(2).
const WRITE: &str = if cfg!(target_arch = "x86_64") {
    "1"
} else {
    "64"
};

/// A pipe that is full, so that a write to it blocks.
pub struct FullPipe {
    reader: PipeReader,
    writer: PipeWriter,
    size: usize,
}

impl FullPipe {
    #[must_use]
    pub fn new() -> Self {
        let (reader, mut writer) = pipe().expect("a pipe");
        let size = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).expect("its size");
        let size = usize::try_from(size).expect("a size");
        writer.write_all(&vec![b'.'; size]).expect("room for it");
        Self {
            reader,
            writer,
            size,
        }
    }

    /// The end to write to.
    #[must_use]
    pub fn end(&self) -> File {
        File::from(OwnedFd::from(self.writer.try_clone().expect("a copy")))
    }

    /// Empties the pipe, and returns what is written to it until the last writer closes its end.
    #[must_use]
    pub fn drain(self) -> Vec<u8> {
        drop(self.writer);
        let mut reader = self.reader;
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("a pipe to read");
        bytes.split_off(self.size)
    }
}

/// Waits until a process blocks in a write to stdout or stderr. Returns whether this test may read its memory: the
/// program forbids that, so it takes CAP_SYS_PTRACE. If not, the test is recorded as skipped and has to return.
#[track_caller]
pub fn waits_to_write(process: u32) -> bool {
    let began = Instant::now();
    loop {
        match fs::read_to_string(format!("/proc/{process}/syscall")) {
            Ok(call) => {
                let mut words = call.split(' ');
                let number = words.next();
                if number == Some(WRITE) && matches!(words.next(), Some("0x1" | "0x2")) {
                    return true;
                }
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                tools::skip_without("CAP_SYS_PTRACE");
                return false;
            }
            Err(error) => panic!("the process is gone: {error}"),
        }
        assert!(began.elapsed() < DEADLINE, "the process wrote nothing");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// All readable memory of a process, without the arguments and environment that the kernel put there.
pub struct Memory {
    regions: Vec<Region>,
    /// The arguments and the environment.
    pub initial: Vec<u8>,
}

struct Region {
    name: String,
    start: u64,
    bytes: Vec<u8>,
}

impl Memory {
    /// # Panics
    /// When a mapping can't be read, except those of the kernel.
    #[must_use]
    #[track_caller]
    pub fn of(process: u32) -> Self {
        let read = |file| fs::read_to_string(format!("/proc/{process}/{file}")).expect(file);
        let memory = File::open(format!("/proc/{process}/mem")).expect("its memory");
        let mut regions: Vec<Region> = read("maps")
            .lines()
            .filter_map(|line| region(&memory, line))
            .collect();
        // arg_start and env_end of proc_pid_stat(5).
        let stat = read("stat");
        let field = |number: usize| -> u64 {
            let after_name = stat.rsplit_once(')').expect("a name").1;
            let field = after_name.split_whitespace().nth(number - 3);
            field.expect("a field").parse().expect("an address")
        };
        let (first, end) = (field(48), field(51));
        let holder = regions
            .iter_mut()
            .find(|region| (region.start..region.end()).contains(&first))
            .expect("the region of the arguments");
        let offset = |address: u64| usize::try_from(address - holder.start).expect("an offset");
        let left_out = offset(first)..offset(end);
        let initial = holder.bytes[left_out.clone()].to_vec();
        holder.bytes[left_out].fill(0);
        Self { regions, initial }
    }

    /// Where these bytes are.
    #[must_use]
    pub fn find(&self, needle: &[u8]) -> Vec<String> {
        self.regions
            .iter()
            .flat_map(|region| {
                positions(&region.bytes, needle)
                    .into_iter()
                    .map(|at| format!("{}+{at:#x}", region.name))
            })
            .collect()
    }

    /// The same for the first and the last eight bytes of a text, which may be all that was not overwritten.
    #[must_use]
    pub fn find_remains(&self, text: &str) -> Vec<String> {
        let text = text.as_bytes();
        let mut found = self.find(&text[..8]);
        found.extend(self.find(&text[text.len() - 8..]));
        found
    }
}

impl Region {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// Reads the region of one line of proc_pid_maps(5); `None` if it is not readable.
fn region(memory: &File, line: &str) -> Option<Region> {
    let mut words = line.split_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let name = words.nth(3).unwrap_or("[anonymous]").to_owned();
    if !rights.starts_with('r') || name.starts_with("[v") {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).expect("an address");
    let (start, end) = (address(start), address(end));
    let mut bytes = vec![0; usize::try_from(end - start).expect("a size")];
    memory
        .read_exact_at(&mut bytes, start)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    Some(Region { name, start, bytes })
}

fn positions(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let (first, rest) = needle.split_first().expect("something to look for");
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skipped) = haystack[at..].iter().position(|byte| byte == first) {
        at += skipped + 1;
        if haystack[at..].starts_with(rest) {
            found.push(at - 1);
        }
    }
    found
}
