#!/bin/sh
# Runs every fuzz target for the given number of seconds, one after the other.
set -eu
seconds=$1
cd tests/fuzz 2>/dev/null || { echo 'skipped: no fuzz targets'; exit; }
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo 'skipped: needs a nightly toolchain and cargo-fuzz'
    [ "${OZ_REQUIRE_TOOLS:-}" != 1 ]
    exit
fi
for target in $(cargo +nightly fuzz list --fuzz-dir .); do
    seeds=
    [ -d "seeds/$target" ] && seeds="seeds/$target"
    mkdir -p "corpus/$target"
    # The first directory collects what the fuzzer finds; the seeds are only read.
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" $seeds -- -max_total_time="$seconds" -timeout=5
done
