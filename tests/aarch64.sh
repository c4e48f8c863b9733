#!/bin/sh
# Runs the black-box tests under user-mode emulation: the aarch64 binary on two processors and, on an x86_64 machine, the
# x86_64 binary on one without AES and carry-less multiplication instructions, where ring has to choose its portable
# code. (Debian's emulator has no aarch64 processor without them.)
#
# Arguments are a filter for all of them. Tests of the file or the process itself are left out, and listed at the end.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
export OZ_EMULATED=1 OZ_SKIPPED="$directory/skipped"
limit=$(sed -n 's/^const MAX_SIZE: u64 = \(.*\);/\1/p' tests/meta/artefact.rs | tr -d _)
size=$(wc -c < target/aarch64-unknown-linux-musl/release/oz)
if [ "$size" -gt "$limit" ]; then
    echo "the aarch64 binary has $size bytes, $limit at most" >&2
    exit 1
fi

# emulated EMULATOR PROCESSOR MACHINE [TEST…]
emulated() {
    emulator=$1
    processor=$2
    machine=$3
    shift 3
    if ! command -v "$emulator" >/dev/null; then
        echo "test-aarch64 needs $emulator: 'make test-tools' installs it on Debian" >&2
        exit 1
    fi
    binary=$PWD/target/$machine-unknown-linux-musl/release/oz
    printf '#!/bin/sh\nexec %s -cpu %s "%s" "$@"\n' "$emulator" "$processor" "$binary" > "$directory/oz"
    chmod 755 "$directory/oz"
    echo "== $machine on $processor"
    OZ_BINARY=$directory/oz "${CARGO:-cargo}" test --locked --offline --test blackbox -- "$@"
}
if [ $# -gt 0 ]; then some=$*; else some='both_transports:: create:: typed::'; fi
emulated qemu-aarch64 max aarch64 "$@"
# Another processor changes what the cryptography runs on, and nothing else; the filter is split into words on purpose.
emulated qemu-aarch64 cortex-a53 aarch64 $some
if [ "$(uname -m)" = x86_64 ]; then
    emulated qemu-x86_64 Nehalem x86_64 $some
fi
sh tests/tools.sh report "$OZ_SKIPPED"
