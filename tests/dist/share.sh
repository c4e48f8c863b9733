#!/bin/sh
# Writes the man page and the completions under a `share` directory: share.sh BINARY DIRECTORY
set -eu
binary=$1
share=$2
mkdir -p "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
cargo run --quiet --locked --features generate --bin generate -- man > "$share/man/man1/oz.1.new"
mv "$share/man/man1/oz.1.new" "$share/man/man1/oz.1"
"$binary" completions bash > "$share/bash-completion/completions/oz"
"$binary" completions zsh > "$share/zsh/site-functions/_oz"
"$binary" completions fish > "$share/fish/vendor_completions.d/oz.fish"
