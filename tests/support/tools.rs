//! Looks for the tools that tests need, and records the tests that were skipped because one is missing.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Where servers and network tools are; not every user has these in PATH.
const SYSTEM: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Whether this tool is installed. If not, the test is recorded as skipped and has to return.
///
/// # Panics
/// When the tool is absent and `OZ_REQUIRE_TOOLS=1`, as in continuous integration, where a skipped test is a failure.
pub fn have(tool: &str) -> bool {
    find(tool).is_some()
}

/// The same, and returns its path.
///
/// # Panics
/// As [`have`].
pub fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(SYSTEM.map(PathBuf::from))
        .map(|directory| directory.join(tool))
        .find(|path| path.is_file());
    if found.is_none() {
        skip_without(tool);
    }
    found
}

/// Records that this test is skipped, because this machine lacks what it needs; the test has to return. `make test`
/// ends with a list of these.
///
/// # Panics
/// When `OZ_REQUIRE_TOOLS=1`.
pub fn skip_without(what: &str) {
    let required = std::env::var_os("OZ_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "needs {what}, and OZ_REQUIRE_TOOLS=1 forbids to skip"
    );
    record_skip(what);
}

/// Notes it in the list that `OZ_SKIPPED` names.
fn record_skip(what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a thread of a test");
    println!("skipped: needs {what}");
    let Some(list) = std::env::var_os("OZ_SKIPPED") else {
        return;
    };
    // One write a line, so that lines of several tests do not mix.
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(list)
        .and_then(|mut file| file.write_all(format!("{test}\t{what}\n").as_bytes()))
        .expect("the list of skipped tests");
}

/// The time in UTC this many seconds from now, in a format of `date` of coreutils.
pub fn date(offset: i64, format: &str) -> String {
    let output = Command::new("date")
        .env("LC_ALL", "C")
        .arg("-u")
        .arg(format!("--date={offset} seconds"))
        .arg(format!("+{format}"))
        .output()
        .expect("date runs");
    String::from_utf8(output.stdout)
        .expect("ASCII")
        .trim_end()
        .to_owned()
}

/// Whether the binary under test was built with the published HTTP client, `make test TRANSPORT=minreq`: one
/// connection a request, and refusals of its own.
pub fn is_minreq() -> bool {
    std::env::var_os("OZ_TRANSPORT").is_some_and(|name| name == "minreq")
}

/// Whether the binary under test is a script that starts an emulator, `OZ_EMULATED=1`. A test that looks at the file, the
/// process or its memory would look at the emulator, so it is recorded as skipped and has to return.
pub fn is_emulated() -> bool {
    let emulated = std::env::var_os("OZ_EMULATED").is_some();
    if emulated {
        record_skip("a processor of the program's own architecture");
    }
    emulated
}
