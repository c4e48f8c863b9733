#!/bin/sh
# Runs black-box tests with the program under memcheck: valgrind.sh [FILTER…], all verbs and formats by default.
#
# The program is a debug build on the machine's libc, because memcheck watches an allocator it can replace, which it
# can't in a static binary. Reads of undefined bytes are not reported: ring's digest state has bytes that memcheck
# takes for undefined, and everything encrypted after it then is.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"${CARGO:-cargo}" build --locked --bin oz
cat > "$directory/oz" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --undef-value-errors=no --leak-check=no $PWD/target/debug/oz "\$@"
END
chmod 755 "$directory/oz"
[ $# -gt 0 ] || set -- core:: create:: delete:: graphql:: list:: prompts:: scope:: sealing:: typed:: update::
OZ_BINARY=$directory/oz OZ_EMULATED=1 "${CARGO:-cargo}" test --locked --test blackbox -- "$@"
