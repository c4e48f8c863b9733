#!/bin/sh
# Compares a release with one that was built again, and names each file that differs: compare.sh RELEASE BUILT
set -eu
release=$1
built=$2
status=0
different() {
    echo "$1"
    status=1
}
for name in $({ ls "$release"; ls "$built"; } | sort -u); do
    case $name in
    # What verifies the rest, and what the rest was built from.
    SHA256SUMS | SHA256SUMS.sig | *-source.tar.gz) continue ;;
    esac
    if [ ! -e "$built/$name" ]; then
        different "NOT BUILT: $name"
    elif [ ! -e "$release/$name" ]; then
        different "NOT IN THE RELEASE: $name"
    elif cmp -s "$built/$name" "$release/$name"; then
        echo "same: $name"
    else
        different "DIFFERENT: $name"
    fi
done
exit $status
