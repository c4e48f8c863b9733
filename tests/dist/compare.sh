#!/bin/sh
# Compares a release with one that was built again, and names each file that differs: compare.sh RELEASE BUILT
#
# The source archive is left out, because the other files were built from it, and so is what verifies the release.
set -eu
release=$1
built=$2
names=$(ls "$release" "$built")
status=0
different() {
    echo "$1"
    status=1
}
for name in $(printf '%s\n' "$names" | grep -v ':$' | sort -u); do
    case $name in
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
