//! The release binary: static, hardened, stripped, small, and without paths of the build machine.

use crate::support::namespaces;
use crate::support::tools::{is_emulated, is_minreq};
use std::fs;
use std::path::PathBuf;

/// What `--version --debug` prints.
pub const VERSION: &str = concat!("oz ", env!("CARGO_PKG_VERSION"), "\n");

/// The largest release binary, in bytes: it travels in container images and is fetched by CI jobs.
const MAX_SIZE: u64 = 1_320_000;

/// Program header and section header types (System V ABI, gABI chapter 5).
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const SHT_SYMTAB: u32 = 2;
const DT_NEEDED: u64 = 1;
const DT_RELR: u64 = 36;
/// Position-independent, so that the kernel places it anew for every run.
const ET_DYN: u16 = 3;
const PF_X: u32 = 1;

/// The file under test; `None` under emulation, where it is a script.
fn binary() -> Option<PathBuf> {
    (!is_emulated()).then(crate::support::binary)
}

/// A 64-bit little-endian ELF file, read as far as the questions go.
struct Elf(Vec<u8>);

struct Segment {
    kind: u32,
    flags: u32,
    offset: usize,
    size: usize,
}

impl Elf {
    fn read(bytes: Vec<u8>) -> Self {
        assert_eq!(&bytes[..6], b"\x7fELF\x02\x01", "not a 64-bit ELF file");
        Self(bytes)
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap())
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn long(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    fn offset(&self, at: usize) -> usize {
        usize::try_from(self.long(at)).unwrap()
    }

    fn segments(&self) -> Vec<Segment> {
        let (start, size, count) = (self.offset(32), self.half(54), self.half(56));
        (0..usize::from(count))
            .map(|index| start + index * usize::from(size))
            .map(|at| Segment {
                kind: self.word(at),
                flags: self.word(at + 4),
                offset: self.offset(at + 8),
                size: self.offset(at + 32),
            })
            .collect()
    }

    fn section_kinds(&self) -> Vec<u32> {
        let (start, size, count) = (self.offset(40), self.half(58), self.half(60));
        (0..usize::from(count))
            .map(|index| self.word(start + index * usize::from(size) + 4))
            .collect()
    }

    fn dynamic_tags(&self) -> Vec<u64> {
        self.segments()
            .iter()
            .filter(|segment| segment.kind == PT_DYNAMIC)
            .flat_map(|segment| {
                (segment.offset..segment.offset + segment.size)
                    .step_by(16)
                    .map(|at| self.long(at))
            })
            .collect()
    }
}

fn elf() -> Option<Elf> {
    Some(Elf::read(fs::read(binary()?).unwrap()))
}

#[test]
fn needs_no_loader_and_no_library() {
    let Some(elf) = elf() else { return };
    let kinds: Vec<u32> = elf.segments().iter().map(|segment| segment.kind).collect();
    assert!(kinds.len() > 3, "{kinds:?}");
    assert!(!kinds.contains(&PT_INTERP), "asks for a loader");
    assert!(
        !elf.dynamic_tags().contains(&DT_NEEDED),
        "asks for a library"
    );
}

#[test]
fn is_hardened() {
    let Some(elf) = elf() else { return };
    assert_eq!(elf.half(16), ET_DYN, "cannot be placed at random");
    let segments = elf.segments();
    let stack = segments.iter().find(|segment| segment.kind == PT_GNU_STACK);
    assert_eq!(stack.map(|stack| stack.flags & PF_X), Some(0));
    assert!(segments.iter().any(|segment| segment.kind == PT_GNU_RELRO));
}

#[test]
fn relocations_are_packed() {
    let Some(elf) = elf() else { return };
    assert!(elf.dynamic_tags().contains(&DT_RELR));
}

/// What would name the frames of a backtrace is 185 kB. Its crates show in the paths of their panics.
#[test]
fn has_no_symboliser() {
    let Some(elf) = elf() else { return };
    for name in ["gimli", "addr2line", "miniz_oxide"] {
        let found = elf
            .0
            .windows(name.len())
            .any(|window| window == name.as_bytes());
        assert!(!found, "{name} is linked");
    }
}

#[test]
fn is_stripped() {
    let Some(elf) = elf() else { return };
    let kinds = elf.section_kinds();
    assert!(!kinds.is_empty());
    assert!(!kinds.contains(&SHT_SYMTAB));
}

#[test]
fn is_small() {
    let Some(path) = binary() else { return };
    // The other transport links a second HTTP client and is measured, not limited.
    if is_minreq() {
        return;
    }
    let size = fs::metadata(path).unwrap().len();
    assert!((100_000..=MAX_SIZE).contains(&size), "{size} bytes");
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[test]
fn contains_no_build_paths() {
    let Some(path) = binary() else { return };
    let bytes = fs::read(path).unwrap();
    assert!(holds(&bytes, "oz"), "the search itself");
    let home = std::env::var("HOME").unwrap_or_default();
    for place in [
        env!("CARGO_MANIFEST_DIR"),
        home.as_str(),
        "/.cargo/",
        "/.rustup/",
    ] {
        // A home of `/` would be found in every file.
        if place.len() > 1 {
            assert!(!holds(&bytes, place), "{place}");
        }
    }
}

#[test]
fn has_one_crypto_library() {
    let Some(path) = binary() else { return };
    let bytes = fs::read(path).unwrap();
    // "aws-lc-rs" alone is in a message of rustls, where the build with minreq compiles aws-lc and does not link it.
    for trace in [
        "aws_lc",
        "AWS-LC",
        "aws-lc/",
        "OpenSSL",
        "BoringSSL",
        "mbed TLS",
    ] {
        assert!(!holds(&bytes, trace), "{trace}");
    }
}

/// An empty root: no libraries, no `/etc`, no `/proc`, no temporary directory.
#[test]
fn runs_in_an_empty_root() {
    let Some(path) = binary() else { return };
    let root = tempfile::tempdir().unwrap();
    let program = root.path().join("oz");
    fs::copy(path, &program).unwrap();
    let Some(mut command) = namespaces::chroot(root.path()) else {
        return;
    };
    let output = command.args(["/oz", "--version"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), VERSION);
    assert_eq!(output.status.code(), Some(0));
}
