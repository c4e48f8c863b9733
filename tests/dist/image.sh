#!/bin/sh
# Writes a container image to standard output: image.sh BINARY VERSION MACHINE
#
# One archive in two formats at once: an OCI image layout (OCI image specification 1.0), which skopeo and podman read,
# and the `manifest.json` that `docker load` looks for. One layer, with nothing in it but the binary.
set -eu
binary=$1
version=$2
case $3 in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "image.sh: no name for the architecture $3" >&2; exit 1 ;;
esac
here=$(dirname "$0")
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layout=$work/layout
mkdir -p "$layout/blobs/sha256" "$work/rootfs"

digest() { sha256sum < "$1" | cut -d ' ' -f 1; }
size() { wc -c < "$1" | tr -d ' '; }
# Files a blob under its digest, which it prints.
blob() {
    sum=$(digest "$1")
    mv "$1" "$layout/blobs/sha256/$sum"
    echo "$sum"
}

install -m 755 "$binary" "$work/rootfs/oz"
sh "$here/pack.sh" "$work/rootfs" oz > "$work/layer"
layer_size=$(size "$work/layer")
layer=$(blob "$work/layer")

cat > "$work/config" <<JSON
{"created":"$created","architecture":"$architecture","os":"linux","config":{"Entrypoint":["/oz"],"Labels":{"org.opencontainers.image.title":"oz","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"MIT"}},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"$created","created_by":"COPY oz /oz"}]}
JSON
config_size=$(size "$work/config")
config=$(blob "$work/config")

cat > "$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$config_size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:$layer","size":$layer_size}]}
JSON
manifest_size=$(size "$work/manifest")
manifest=$(blob "$work/manifest")

printf '{"imageLayoutVersion":"1.0.0"}' > "$layout/oci-layout"
cat > "$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$manifest_size,"platform":{"architecture":"$architecture","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"$version"}}]}
JSON
cat > "$layout/manifest.json" <<JSON
[{"Config":"blobs/sha256/$config","RepoTags":["oz:$version"],"Layers":["blobs/sha256/$layer"]}]
JSON
sh "$here/pack.sh" "$layout" blobs index.json manifest.json oci-layout
