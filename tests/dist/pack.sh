#!/bin/sh
# Writes a tar archive that depends on nothing but names, contents and SOURCE_DATE_EPOCH: pack.sh DIRECTORY ENTRY…
set -eu
directory=$1
shift
unset TAR_OPTIONS
exec tar --create --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --mode='a-st,u+rwX,go+rX,go-w' \
    --owner=0 --group=0 --numeric-owner --directory="$directory" -- "$@"
