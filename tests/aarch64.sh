#!/bin/sh
# Runs the black-box tests under user-mode emulation: the aarch64 binary, and, where it is built, the x86_64 binary on
# a processor without AES and carry-less multiplication instructions, where ring has to choose its portable code.
# (Debian's emulator has no aarch64 processor without them.)
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
# emulated EMULATOR PROCESSOR MACHINE [TEST…]
emulated() {
    emulator=$1
    processor=$2
    machine=$3
    shift 3
    binary=$PWD/target/$machine-unknown-linux-musl/release/oz
    if ! command -v "$emulator" >/dev/null; then
        echo "skipped: needs $emulator"
        [ "${OZ_REQUIRE_TOOLS:-}" != 1 ]
        return
    fi
    [ -e "$binary" ] || return 0
    printf '#!/bin/sh\nexec %s -cpu %s %s "$@"\n' "$emulator" "$processor" "$binary" > "$directory/oz"
    chmod 755 "$directory/oz"
    echo "== $machine on $processor"
    OZ_BINARY=$directory/oz OZ_EMULATED=1 "${CARGO:-cargo}" test --locked --offline --test blackbox -- "$@"
}
emulated qemu-aarch64 max aarch64
# Another processor changes what the cryptography runs on, and nothing else.
emulated qemu-aarch64 cortex-a53 aarch64 core:: create:: typed::
emulated qemu-x86_64 Nehalem x86_64 core:: create:: typed::
