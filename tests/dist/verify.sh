#!/bin/sh
# Builds a release again from its source archive, and compares every file: verify.sh DIRECTORY
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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --gzip --file="$1" --directory="$work" --strip-components=1
# The time and the name of the commit are those in the archive.
(cd "$work" && env -u SOURCE_DATE_EPOCH make dist MAINTAINER="$MAINTAINER")
sh "$here/compare.sh" "$release" "$work/dist"
