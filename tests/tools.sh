#!/bin/sh
# tools.sh install: installs what tests/tools.txt lists and this machine lacks, with apt-get and npm.
# tools.sh check: fails if anything of it is missing.
# tools.sh report FILE: says which tests were skipped. FILE has a line for each: the test, a tab, and what it lacks.
set -eu
list=tests/tools.txt

missing() {
    sed '/^#/d' "$list" | while read -r program package; do
        case $program in
        /*) [ -e "$program" ] || echo "$package" ;;
        *) command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || echo "$package" ;;
        esac
    done | sort -u
}

# Installs a package of npm that is nothing but a program, and links the program under this name.
install_from_npm() {
    case $(uname -m) in
    x86_64) package=${2%@*}-linux-x64@${2#*@} ;;
    aarch64) package=${2%@*}-linux-arm64@${2#*@} ;;
    esac
    directory=/usr/local/lib/$1
    npm install --silent --no-save --prefix "$directory" "$package"
    ln -sf "$directory/node_modules/${package%@*}/bin/${2%@*}" "/usr/local/bin/$1"
}

case $1 in
install)
    packages=$(missing | grep -v ^npm: || true)
    if [ -n "$packages" ]; then
        # Split into words on purpose.
        echo "installing" $packages
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
    fi
    for package in $(missing | sed -n 's/^npm://p'); do
        echo "installing $package"
        install_from_npm "$(awk -v what="npm:$package" '$2 == what { print $1 }' "$list")" "$package"
    done
    ;;
check)
    packages=$(missing)
    [ -z "$packages" ] && exit
    echo "missing packages:" $packages >&2
    exit 1
    ;;
report)
    [ -s "$2" ] || { echo; echo 'No test was skipped.'; exit; }
    echo
    echo "Not run, in full or in part: $(cut -f 1 "$2" | sort -u | wc -l) tests, for lack of"
    sort -u "$2" | cut -f 2 | sort | uniq -c | while read -r count what; do
        package=$(awk -v what="$what" '$1 == what { print (sub(/^npm:/, "", $2) ? " (npm package " : " (Debian package ") $2 ")" }' "$list")
        echo "  $what$package: $count"
    done
    if sed '/^#/d; s/ .*//' "$list" | grep -qxF -e "$(cut -f 2 "$2")"; then
        echo "'make test-tools' installs the packages on Debian."
    fi
    ;;
esac
