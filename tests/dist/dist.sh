#!/bin/sh
# Packages a release: dist.sh VERSION [TARGET…]
#
# For each target an archive with the binary, README, licence, changelog, man page and completions, and a container image
# whose only content is the binary; a source archive; SHA256SUMS over all of them, signed if SIGNING_KEY names an SSH key.
# The same commit gives the same bytes, wherever it is built: times are the commit's, order and owners are fixed, and
# paths are remapped by `make build`.
set -eu
version=$1
shift
[ $# -gt 0 ] || set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl
here=$(dirname "$0")
native=$(uname -m)-unknown-linux-musl
# A source archive has the time of its commit in a file.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(cut -d ' ' -f 2 .commit 2>/dev/null || git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist
mkdir dist

# The pages come from the program itself, so from one that runs here; every target's says the same.
make build TARGET="$native"
sh "$here/share.sh" "target/$native/release/oz" "$work/share"

for target in "$@"; do
    make build TARGET="$target"
    name=oz-$version-$target
    mkdir -p "$work/$name"
    cp README.md LICENSE CHANGELOG.md "$work/$name/"
    cp -R "$work/share" "$work/$name/share"
    install -m 755 "target/$target/release/oz" "$work/$name/oz"
    sh "$here/pack.sh" "$work" "$name" | gzip -9 -n > "dist/$name.tar.gz"
    sh "$here/image.sh" "target/$target/release/oz" "$version" "${target%%-*}" > "dist/$name.oci.tar"
done
# Made from a checkout only: a source archive is where the other files come from.
if [ ! -e .commit ]; then sh "$here/source.sh" "$version"; fi
sh "$here/sums.sh" dist
cat dist/SHA256SUMS
