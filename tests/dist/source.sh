#!/bin/sh
# Packages the sources with every crate that a build needs, so that it needs no network: source.sh VERSION
#
# Writes dist/oz-VERSION-source.tar.gz, with the crates that the packaging needs, too. Cargo reads the manifest of every
# package in Cargo.lock, also of those that only tests, other systems or the build with minreq use; of these nothing but
# the manifest is kept.
set -eu
version=$1
here=$(dirname "$0")
name=oz-$version-source
export LC_ALL=C TZ=UTC
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p dist "$work/$name"
git archive --output="$work/tree.tar" HEAD
tar --extract --file="$work/tree.tar" --directory="$work/$name"
# What the Makefile asks git for.
git log -1 --abbrev=12 --format='%h %ct' > "$work/$name/.commit"

cargo=${CARGO:-cargo}
tree() {
    "$cargo" tree --quiet --locked --edges normal,build --prefix none --format '{p}' "$@" >> "$work/trees"
}
tree --target x86_64-unknown-linux-musl
tree --target aarch64-unknown-linux-musl
tree --manifest-path "$here/Cargo.toml"
sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1-\2/p' "$work/trees" > "$work/needed"
"$cargo" vendor --quiet --locked --versioned-dirs --sync "$here/Cargo.toml" "$work/$name/vendor" > "$work/config"
for crate in "$work/$name/vendor"/*; do
    if grep -qxF "$(basename "$crate")" "$work/needed"; then continue; fi
    checksum=$(sed -n 's/.*"package":"\([0-9a-f]*\)".*/\1/p' "$crate/.cargo-checksum.json")
    # An empty library in place of its targets, for whose files Cargo would look.
    awk '/^\[.*\]$/ { target = /^\[\[|^\[lib\]/ } !target' "$crate/Cargo.toml" > "$work/manifest"
    printf '\n[lib]\npath = "src/lib.rs"\n' >> "$work/manifest"
    rm -r "$crate"
    mkdir -p "$crate/src"
    mv "$work/manifest" "$crate/Cargo.toml"
    : > "$crate/src/lib.rs"
    printf '{"files":{},"package":"%s"}' "$checksum" > "$crate/.cargo-checksum.json"
done
cat >> "$work/$name/.cargo/config.toml" <<'TOML'

# The crates that came with these sources.
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
TOML

sh "$here/pack.sh" "$work" "$name" > "$work/archive"
gzip -9 -n < "$work/archive" > "dist/$name.tar.gz"
wc -c "dist/$name.tar.gz"
