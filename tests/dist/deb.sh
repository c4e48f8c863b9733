#!/bin/sh
# Writes a Debian package: deb.sh VERSION MACHINE DIRECTORY OUTPUT
#
# DIRECTORY is what the archive for that machine holds, OUTPUT where the package goes. The publisher sets MAINTAINER, a
# name and an address. The package is not called oz, because Debian has an unrelated one of that name.
set -eu
package=oz-secret
version=$1
directory=$3
case $2 in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "deb.sh: no name for the architecture $2" >&2; exit 1 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
doc=$root/usr/share/doc/$package
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/lintian/overrides" "$doc"
install -m 755 "$directory/oz" "$root/usr/bin/oz"
cp -R "$directory/share/." "$root/usr/share"
# Debian's packages use this directory; site-functions is for what the administrator installs.
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
gzip -9 -n "$root"/usr/share/man/man1/*.1

cp "$directory/README.md" "$directory/CHANGELOG.md" "$directory/THIRD-PARTY-LICENSES" "$doc/"
gzip -9 -n "$doc/THIRD-PARTY-LICENSES"
cat "$directory/LICENSE" - > "$doc/copyright" <<TEXT

The program contains works of others: see THIRD-PARTY-LICENSES.gz beside this file.
Where one of their licences is Apache-2.0, its text is in /usr/share/common-licenses, too.
TEXT
date=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')
cat > "$doc/changelog" <<TEXT
$package ($version) unstable; urgency=medium

  * See CHANGELOG.md.

 -- $MAINTAINER  $date
TEXT
gzip -9 -n "$doc/changelog"
# It has to run where there is no C library, such as in an empty image.
echo "$package: statically-linked-binary [usr/bin/oz]" > "$root/usr/share/lintian/overrides/$package"

(cd "$root" && find usr -type f -exec md5sum {} +) > "$work/sums"
sort -k 2 "$work/sums" > "$root/DEBIAN/md5sums"
find "$root/usr" -type f -printf '%s\n' > "$work/sizes"
size=$(awk '{ sum += $1 } END { print int(sum / 1024) + 1 }' "$work/sizes")
cat > "$root/DEBIAN/control" <<TEXT
Package: $package
Version: $version
Architecture: $architecture
Maintainer: $MAINTAINER
Installed-Size: $size
Section: utils
Priority: optional
Description: managed secrets from the command line
 Stores secrets for cloud agent runs: creates, updates, deletes, lists and
 imports them. Values are encrypted on this machine before they are sent. One
 static program, oz, for containers, CI runners and shell scripts.
TEXT
chmod -R a-st,u+rwX,go+rX,go-w "$root"
dpkg-deb --root-owner-group -Zxz -z6 --build "$root" "$4/${package}_${version}_$architecture.deb" >/dev/null
