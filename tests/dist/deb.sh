#!/bin/sh
# Writes a Debian package: deb.sh VERSION MACHINE DIRECTORY OUTPUT
#
# DIRECTORY is what the archive for that machine holds, OUTPUT where the package goes. The publisher sets MAINTAINER, a name and an address.
set -eu
version=$1
directory=$3
case $2 in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "deb.sh: no name for the architecture $2" >&2; exit 1 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
doc=$work/usr/share/doc/oz
mkdir -p "$work/DEBIAN" "$work/usr/bin" "$work/usr/share/zsh" "$work/usr/share/lintian/overrides" "$doc"
install -m 755 "$directory/oz" "$work/usr/bin/oz"
cp -R "$directory/share/." "$work/usr/share"
# Debian's own place; site-functions is the administrator's.
mv "$work/usr/share/zsh/site-functions" "$work/usr/share/zsh/vendor-completions"
gzip -9 -n "$work"/usr/share/man/man1/*.1
cp "$directory/README.md" "$directory/CHANGELOG.md" "$doc/"
gzip -9 -n < "$directory/THIRD-PARTY-LICENSES" > "$doc/THIRD-PARTY-LICENSES.gz"
{
    cat "$directory/LICENSE"
    printf '\nThe program contains works of others: see THIRD-PARTY-LICENSES.gz beside this file.\n'
    printf 'Where one of their licences is Apache-2.0, its text is in /usr/share/common-licenses, too.\n'
} > "$doc/copyright"
{
    printf 'oz (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n' "$version"
    printf ' -- %s  %s\n' "$MAINTAINER" "$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')"
} | gzip -9 -n > "$doc/changelog.gz"
# Runs where there is no C library, such as in an empty image.
echo 'oz: statically-linked-binary [usr/bin/oz]' > "$work/usr/share/lintian/overrides/oz"
(cd "$work" && find usr -type f | sort | xargs md5sum) > "$work/DEBIAN/md5sums"
cat > "$work/DEBIAN/control" <<CONTROL
Package: oz
Version: $version
Architecture: $architecture
Maintainer: $MAINTAINER
Installed-Size: $(find "$work/usr" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1024) + 1 }')
Section: utils
Priority: optional
Description: managed secrets from the command line
 Stores secrets for cloud agent runs: creates, updates, deletes, lists and
 imports them. Values are sealed on this machine before they are sent. One
 static program, for container images, CI runners and shell scripts.
CONTROL
chmod -R u+rwX,go+rX,go-w "$work"
dpkg-deb --root-owner-group -Zxz --build "$work" "$4/oz_${version}_$architecture.deb" >/dev/null
