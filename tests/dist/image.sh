#!/bin/sh
# Writes a container image to standard output: image.sh VERSION LICENCE DIRECTORY_FOR_X86_64 DIRECTORY_FOR_AARCH64
#
# One archive in two formats at once: an OCI image layout (OCI image specification 1.1) with one index over both
# architectures, which podman, skopeo and containerd read, and the `manifest.json` that `docker load` looks for.
# The one layer holds the program and, because the image is all that its users get, the licences. A directory is what the
# archive for that machine holds.
set -eu
version=$1
licence=$2
here=$(dirname "$0")
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layout=$work/layout
mkdir -p "$layout/blobs/sha256"

# The predefined keys of the specification, as labels of the configuration and as annotations of manifests and index.
about='"org.opencontainers.image.title":"oz","org.opencontainers.image.description":"Managed secrets from the command line","org.opencontainers.image.version":"'$version'","org.opencontainers.image.revision":"'$OZ_COMMIT'","org.opencontainers.image.created":"'$created'","org.opencontainers.image.licenses":"'$licence'"'

# Files a blob under its digest, and prints the start of its descriptor: blob FILE MEDIA_TYPE
blob() {
    sum=$(sha256sum "$1")
    sum=${sum%% *}
    size=$(stat -c %s "$1")
    mv "$1" "$layout/blobs/sha256/$sum"
    printf '"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s' "$2" "$sum" "$size"
}

# The digest in a descriptor.
digest() { printf %s "$1" | sed 's/.*"sha256:\([0-9a-f]*\)".*/\1/'; }

# Adds the image of an architecture: image ARCHITECTURE DIRECTORY
image() {
    mkdir -p "$work/$1/licenses"
    install -m 755 "$2/oz" "$work/$1/oz"
    install -m 644 "$2/LICENSE" "$2/THIRD-PARTY-LICENSES" "$work/$1/licenses"
    sh "$here/pack.sh" "$work/$1" licenses oz > "$work/layer"
    layer=$(blob "$work/layer" layer.v1.tar)
    cat > "$work/config" <<JSON
{"created":"$created","architecture":"$1","os":"linux","config":{"User":"65532:65532","Entrypoint":["/oz"],"WorkingDir":"/","Labels":{$about}},"rootfs":{"type":"layers","diff_ids":["sha256:$(digest "$layer")"]},"history":[{"created":"$created","created_by":"COPY oz licenses /"}]}
JSON
    config=$(blob "$work/config" config.v1+json)
    cat > "$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{$config},"layers":[{$layer}],"annotations":{$about}}
JSON
    manifest=$(blob "$work/manifest" manifest.v1+json)
    printf '%s{%s,"platform":{"architecture":"%s","os":"linux"}}' "$comma" "$manifest" "$1" >> "$work/manifests"
    printf '%s{"Config":"blobs/sha256/%s","RepoTags":["oz:%s-%s"],"Layers":["blobs/sha256/%s"]}' \
        "$comma" "$(digest "$config")" "$version" "$1" "$(digest "$layer")" >> "$work/docker"
    comma=,
}

comma=
image amd64 "$3"
image arm64 "$4"

# The second name is the one that podman and Docker with containerd give the image.
index='"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"'
printf '{%s,"manifests":[%s],"annotations":{%s}}' "$index" "$(cat "$work/manifests")" "$about" > "$work/index"
images=$(blob "$work/index" index.v1+json)
printf '{%s,"manifests":[{%s,"annotations":{"org.opencontainers.image.ref.name":"%s","io.containerd.image.name":"docker.io/library/oz:%s"}}]}' \
    "$index" "$images" "$version" "$version" > "$layout/index.json"
printf '[%s]' "$(cat "$work/docker")" > "$layout/manifest.json"
printf '{"imageLayoutVersion":"1.0.0"}' > "$layout/oci-layout"
sh "$here/pack.sh" "$layout" blobs index.json manifest.json oci-layout
