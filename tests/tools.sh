#!/bin/sh
# tools.sh install: installs what tests/tools.txt lists and this machine lacks, with apt-get.
# tools.sh report FILE: says which tests were skipped. FILE has a line for each: the test, a tab, and what it lacks.
set -eu
list=tests/tools.txt

packages() {
    sed '/^#/d' "$list" | while read -r program package; do
        case $program in
        /*) [ -e "$program" ] || echo "$package" ;;
        *) command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || echo "$package" ;;
        esac
    done | sort -u
}

case $1 in
install)
    missing=$(packages)
    [ -n "$missing" ] || exit 0
    echo "installing $(echo $missing)"
    apt-get update -qq
    # Split into words on purpose.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    ;;
report)
    [ -s "$2" ] || exit 0
    echo
    echo "Not run: $(cut -f 1 "$2" | sort -u | wc -l) tests, for lack of"
    cut -f 2 "$2" | sort | uniq -c | while read -r count what; do
        package=$(awk -v what="$what" '$1 == what { print " (Debian package " $2 ")" }' "$list")
        echo "  $what$package: $count"
    done
    echo "'make test-tools' installs the packages on Debian."
    ;;
esac
