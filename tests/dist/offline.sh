#!/bin/sh
# Checks that the source archive builds without a network, and to the same bytes as the checkout: offline.sh VERSION BINARY
#
# Runs in a network namespace whose only interface is loopback, with an empty directory of Cargo's.
set -eu
binary=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --gzip --file="dist/oz-$1-source.tar.gz" --directory="$work" --strip-components=1
mkdir "$work/cargo"
(cd "$work" && CARGO_HOME=$work/cargo unshare --map-root-user --net make build)
if ! cmp "$binary" "$work/target/$(uname -m)-unknown-linux-musl/release/oz"; then
    echo 'the source archive builds another program; is everything committed?' >&2
    exit 1
fi
echo 'the source archive builds the same program without a network'
