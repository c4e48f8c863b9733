#!/bin/sh
# Runs black-box tests with the program under memcheck: valgrind.sh [FILTER…], by default all tests that run it.
#
# The program is an optimised build on the machine's libc, because memcheck watches an allocator it can replace, which it
# can't in a static binary. Reads of undefined bytes are not reported: ring's digest state has bytes that memcheck
# takes for undefined, and everything encrypted after it then is.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
CARGO_PROFILE_RELEASE_DEBUG=1 CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_LTO=thin \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    "${CARGO:-cargo}" build --release --locked --bin oz --target "$(uname -m)-unknown-linux-gnu"
# Some tests start the program as another user, who has to reach it.
chmod 755 "$directory"
cp "target/$(uname -m)-unknown-linux-gnu/release/oz" "$directory/program"
cat > "$directory/oz" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --undef-value-errors=no --leak-check=no $directory/program "\$@"
END
chmod 755 "$directory/oz" "$directory/program"
if [ $# -eq 0 ]; then
    # These don't run the program, or not this one.
    set -- --skip artefact:: --skip demo:: --skip peers:: --skip readme:: --skip server_self:: --skip structure:: --skip support::
    # Memcheck takes a second to start, and time is what these are about.
    set -- "$@" --skip deadline::
    # What is asked of the process, memcheck answers: its descriptors, signals and root are not the program's.
    set -- "$@" --skip process::
    # Memcheck is too slow for 64 MiB.
    set -- "$@" --skip the_body_has_a_limit
    # This libc has other words for a loop of links, and for a name that cannot be looked up.
    set -- "$@" --skip rejects_unreadable_files --skip rejects_unreadable_ca_files --skip dns::
fi
OZ_BINARY=$directory/oz OZ_EMULATED=1 "${CARGO:-cargo}" test --locked --test blackbox -- "$@"
