#!/bin/sh
# Shows oz at work against the local server, over TLS, with no account: make demo.
#
#     demo.sh OZ LOCAL_SERVER
#
# Everything happens in a directory of its own. A step that ends with another exit code than it should fails the demo.
set -eu

absolute() {
    case $1 in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s/%s\n' "$PWD" "$1" ;;
    esac
}

if [ $# -ne 2 ]; then
    echo 'usage: demo.sh OZ LOCAL_SERVER' >&2
    exit 2
fi
binary=$(absolute "$1")
server=$(absolute "$2")
dir=$(mktemp -d)
pid=

leave() {
    status=$?
    trap - EXIT
    exec 9>&-
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || :
        wait "$pid" 2>/dev/null || :
    fi
    rm -rf "$dir"
    exit "$status"
}
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The server runs until its standard input ends, so it also ends if this script is killed.
mkfifo "$dir/stdin"
LOCAL_SERVER_KEY=wk-demo "$server" --dir "$dir" <"$dir/stdin" >"$dir/log" 2>&1 &
pid=$!
exec 9>"$dir/stdin"
tries=0
until grep -q '^READY ' "$dir/log"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
        echo 'demo: the local server does not start:' >&2
        cat "$dir/log" >&2
        exit 1
    fi
    sleep 0.1
done
WARP_SERVER_ROOT_URL=$(sed -n 's/^READY //p' "$dir/log")
WARP_API_KEY=wk-demo
SSL_CERT_FILE=$dir/ca.pem
export WARP_SERVER_ROOT_URL WARP_API_KEY SSL_CERT_FILE
cd "$dir"

oz() {
    # Without the descriptor that keeps the server running.
    "$binary" "$@" 9>&-
}

say() {
    printf '\n# %s\n' "$1"
}

# step CODE COMMAND: shows a command, runs it, and wants that exit code.
step() {
    printf '$ %s\n' "$2"
    code=0
    eval "$2" || code=$?
    if [ "$code" -ne "$1" ]; then
        echo "demo: exit code $code, expected $1" >&2
        exit 1
    fi
    if [ "$code" -ne 0 ]; then
        printf '(exit code %s)\n' "$code"
    fi
}

say 'A local server stands in for the service, with a certificate of its own.'
printf '$ export WARP_SERVER_ROOT_URL=%s\n' "$WARP_SERVER_ROOT_URL"
printf '$ export SSL_CERT_FILE=%s\n' "$SSL_CERT_FILE"
printf '$ export WARP_API_KEY=wk-demo\n'

say 'A secret from a pipe. The value is encrypted here; the server stores what only the service can open.'
step 0 "printf %s 'correct horse' | oz secret create DB_PASSWORD -d 'Main database'"

say 'A secret from a file, byte for byte.'
printf '{\n  "region": "eu-west-1"\n}\n' >settings.json
step 0 'oz secret create SETTINGS -f settings.json'

say 'A key of a known kind.'
step 0 "printf %s 'sk-ant-example' | oz secret create CLAUDE_KEY --type anthropic-api-key"

say 'What is there, for people and for programs. Values never come back.'
step 0 'oz secret list'
step 0 'oz secret list --output-format json'

say 'A whole .env file. A line that programs read differently is refused, with its place.'
printf 'API_TOKEN=abc123\nexport GREETING="hello world"\n' >.env
step 0 'oz secret import .env'
printf 'LEVEL=5 # maximum\n' >unclear.env
step 65 'oz secret import unclear.env'
step 0 'oz secret import .env --if-exists update'

say 'A new value and a new description, in place.'
step 0 "printf %s 'battery staple' | oz secret update DB_PASSWORD --value -d 'Main database, rotated'"

say 'A name that is taken is refused before anything is sent, with an exit code of its own.'
step 5 "printf %s 'other' | oz secret create DB_PASSWORD"

say 'Without a terminal to confirm, a deletion wants --force.'
step 0 'oz secret delete SETTINGS --force'
step 0 'oz secret list'

say 'What the server saw: one connection a command, and envelopes that it could open.'
sed '/^READY /d; s/^/  /' log

say 'That was the real binary:'
printf '  %s  (%s bytes)\n' "$binary" "$(wc -c <"$binary" | tr -d ' ')"
printf '\nAgainst the real service, with a key from its settings:\n'
printf '  WARP_API_KEY=… %s secret list\n' "$binary"
