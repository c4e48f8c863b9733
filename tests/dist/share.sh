#!/bin/sh
# Writes the manual pages and the completions under a `share` directory: share.sh BINARY DIRECTORY
#
# The date of the pages is that of the commit, SOURCE_DATE_EPOCH.
set -eu
umask 022
binary=$1
share=$2
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)
mkdir -p "$share/man/man1"
for page in tests/golden/man/*.1; do
    sed "s/@DATE@/$date/" "$page" > "$share/man/man1/$(basename "$page")"
done
# Where each shell looks; PowerShell looks nowhere.
while read -r shell file; do
    mkdir -p "$share/$(dirname "$file")"
    "$binary" completions "$shell" > "$share/$file"
done <<'END'
bash bash-completion/completions/oz
zsh zsh/site-functions/_oz
fish fish/vendor_completions.d/oz.fish
elvish elvish/lib/oz.elv
powershell powershell/oz.ps1
END
