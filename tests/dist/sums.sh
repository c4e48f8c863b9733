#!/bin/sh
# Writes SHA256SUMS for the files of a release, and signs it if SIGNING_KEY names an SSH key: sums.sh DIRECTORY
#
# The namespace `oz-release` keeps a signature from being taken for one of anything else.
set -eu
if [ -n "${SIGNING_KEY:-}" ]; then
    SIGNING_KEY=$(realpath "$SIGNING_KEY")
fi
cd "$1"
rm -f SHA256SUMS SHA256SUMS.sig
sha256sum -- * > ../SHA256SUMS.new
mv ../SHA256SUMS.new SHA256SUMS
if [ -n "${SIGNING_KEY:-}" ]; then
    ssh-keygen -Y sign -q -n oz-release -f "$SIGNING_KEY" SHA256SUMS
fi
