#!/bin/sh
# Builds a release again from its source archive, and compares every file: verify.sh DIRECTORY
set -eu
[ -n "${1:-}" ] || { echo 'usage: make verify-release DIR=DIRECTORY' >&2; exit 2; }
release=$(cd "$1" && pwd)
set -- "$release"/oz-*-source.tar.gz
[ -f "$1" ] || { echo "verify-release: $release holds no source archive" >&2; exit 2; }
(cd "$release" && sha256sum --quiet --check SHA256SUMS)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar --extract --gzip --file="$1" --directory="$work" --strip-components=1
(cd "$work" && make dist)
status=0
for file in "$work"/dist/*; do
    name=$(basename "$file")
    case $name in
    SHA256SUMS) continue ;;
    esac
    if cmp -s "$file" "$release/$name"; then
        echo "same: $name"
    else
        echo "DIFFERENT: $name"
        status=1
    fi
done
for file in "$release"/*; do
    name=$(basename "$file")
    case $name in
    SHA256SUMS | SHA256SUMS.sig | *-source.tar.gz) continue ;;
    esac
    if [ ! -e "$work/dist/$name" ]; then
        echo "NOT BUILT: $name"
        status=1
    fi
done
exit $status
