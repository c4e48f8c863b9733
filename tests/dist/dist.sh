#!/bin/sh
# Packages a release: dist.sh VERSION
#
# For each architecture an archive, a Debian package and a bill of materials; a container image of both; a source archive;
# SHA256SUMS over all of them, signed if SIGNING_KEY names an SSH key. The same commit and tools give the same bytes in
# whatever folder: times are the commit's, order and owners are fixed, and paths are remapped by `make build`.
set -eu
version=$1
here=$(dirname "$0")
native=$(uname -m)-unknown-linux-musl
export LC_ALL=C TZ=UTC
unset GZIP XZ_OPT XZ_DEFAULTS
# With several threads xz writes other bytes than with one.
export DPKG_DEB_THREADS_MAX=1
umask 022

# The binaries are built from the files that are here, the source archive from the commit.
if [ ! -e .commit ] && ! git diff --quiet HEAD; then
    echo 'dist.sh: there are changes that are not committed' >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist
mkdir dist

# The completions come from the program itself, so from one that runs here; every target's are the same.
make build TRANSPORT=own TARGET="$native"
sh "$here/share.sh" "target/$native/release/oz" "$work/share"
${CARGO:-cargo} build --quiet --locked --manifest-path "$here/Cargo.toml" --target-dir target/dist --bin describe
describe=target/dist/debug/describe

# Packages what was built for one target: package TARGET
package() {
    machine=${1%%-*}
    name=oz-$version-$1
    directory=$work/$name
    mkdir -p "$directory"
    cp README.md LICENSE CHANGELOG.md "$directory/"
    cp -R "$work/share" "$directory/share"
    "$describe" licences "$1" > "$directory/THIRD-PARTY-LICENSES"
    "$describe" audit "$1" > "$work/audit"
    case $1 in
    "$native") objcopy=objcopy ;;
    *) objcopy=$machine-linux-gnu-objcopy ;;
    esac
    "$objcopy" --add-section .dep-v0="$work/audit" "target/$1/release/oz" "$directory/oz"
    chmod 755 "$directory/oz"
    sh "$here/pack.sh" "$work" "$name" > "$work/archive"
    gzip -9 -n < "$work/archive" > "dist/$name.tar.gz"
    "$describe" sbom "$1" "$directory/oz" > "dist/$name.cdx.json"
    sh "$here/deb.sh" "$version" "$machine" "$directory" dist
}

for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    make build TRANSPORT=own TARGET="$target"
    package "$target"
done
licence=$("$describe" expression x86_64-unknown-linux-musl)
sh "$here/image.sh" "$version" "$licence" "$work/oz-$version-x86_64-unknown-linux-musl" \
    "$work/oz-$version-aarch64-unknown-linux-musl" > "dist/oz-$version.oci.tar"
# Made from a checkout only: a source archive is where the other files come from.
if [ ! -e .commit ]; then sh "$here/source.sh" "$version"; fi
sh "$here/sums.sh" dist
cat dist/SHA256SUMS
