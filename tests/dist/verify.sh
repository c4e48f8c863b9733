#!/bin/sh
# Builds a release again from its source archive, and compares the other files: verify.sh DIRECTORY
#
# Whether the release is genuine is for its signature to say, which this does not check.
set -eu
[ -n "${1:-}" ] || { echo 'usage: make verify-release DIR=DIRECTORY' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
release=$(cd "$1" && pwd)
set -- "$release"/oz-*-source.tar.gz
[ -f "$1" ] || { echo "verify-release: $release holds no source archive" >&2; exit 2; }
(cd "$release" && sha256sum --quiet --check SHA256SUMS)
for package in "$release"/*.deb; do
    MAINTAINER=$(dpkg-deb --field "$package" Maintainer)
done
export MAINTAINER
built_with=$(sed -n 's/.*"bom-ref": "rust-std@\(.*\)",/\1/p' "$release"/*.cdx.json | sort -u)
installed=$(rustc --version | cut -d ' ' -f 2)
if [ "$built_with" != "$installed" ]; then
    echo "verify-release: the release was built with Rust $built_with, this is $installed, which builds other bytes" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --gzip --file="$1" --directory="$work" --strip-components=1
# Time and commit are those in the archive, whatever the make that runs this says.
(cd "$work" && env -u SOURCE_DATE_EPOCH -u MAKEFLAGS -u SIGNING_KEY make dist)
sh "$here/compare.sh" "$release" "$work/dist"
