//! Owns the question whether what a test needs from outside the project is here.
//! Must not know what any test does with it.

/// Whether `tool` is on the path. Where it is absent, says so in one line, for the test to return early: a newcomer
/// with rustup and a C compiler can run everything else.
///
/// # Panics
/// When the tool is absent and `OZ_REQUIRE_TOOLS=1`, as in continuous integration, where a skipped test is a hole.
pub fn have(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    if !found {
        skip_without(tool);
    }
    found
}

/// Says that this machine lacks what the test needs, for the test to return early.
///
/// # Panics
/// When `OZ_REQUIRE_TOOLS=1`.
pub fn skip_without(what: &str) {
    let required = std::env::var_os("OZ_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(
        !required,
        "needs {what}, and OZ_REQUIRE_TOOLS=1 forbids to skip"
    );
    println!("skipped: needs {what}");
}

/// Whether the binary under test was built with the published HTTP client, `make test TRANSPORT=minreq`: one
/// connection a request, and fences of its own.
pub fn is_minreq() -> bool {
    std::env::var_os("OZ_TRANSPORT").is_some_and(|name| name == "minreq")
}

/// Whether the binary under test is a script that starts an emulator, `OZ_EMULATED=1`. What asks the file, the
/// process or its memory for something then asks the emulator, so it says that it is skipped, for the test to return.
pub fn is_emulated() -> bool {
    let emulated = std::env::var_os("OZ_EMULATED").is_some();
    if emulated {
        println!("skipped: emulated");
    }
    emulated
}
