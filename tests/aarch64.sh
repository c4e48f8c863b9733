#!/bin/sh
# Runs the black-box tests on the aarch64 binary under user-mode emulation: once on a processor with everything, once
# on one without AES and carry-less multiplication instructions, where ring has to choose its portable code.
set -eu
binary=$PWD/target/aarch64-unknown-linux-musl/release/oz
if ! command -v qemu-aarch64 >/dev/null; then
    echo 'skipped: needs qemu-aarch64'
    [ "${OZ_REQUIRE_TOOLS:-}" != 1 ]
    exit
fi
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
for processor in max cortex-a53,aes=off,pmull=off; do
    printf '#!/bin/sh\nexec qemu-aarch64 -cpu %s %s "$@"\n' "$processor" "$binary" > "$directory/oz"
    chmod 755 "$directory/oz"
    echo "processor: $processor"
    OZ_BINARY=$directory/oz OZ_EMULATED=1 "${1:-cargo}" test --locked --offline --test blackbox
done
