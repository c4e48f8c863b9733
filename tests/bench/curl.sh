#!/bin/sh
# What a shell script does in our place, without the sealing: curl.sh ROOT KEY LOOKUP [CREATE]
#
# LOOKUP and CREATE are files with the bodies of the two requests. Trust comes from SSL_CERT_FILE, as for us.
set -eu
ask() {
    curl --silent --show-error --fail --header "Authorization: Bearer $key" --header 'Content-Type: application/json' \
        --data-binary "@$2" "$root/graphql/v2?op=$1"
}
root=$1
key=$2
if [ $# = 3 ]; then
    ask "$(jq -r .operationName "$3")" "$3" | jq -r '.data.managedSecrets.managedSecrets[]?.name' >/dev/null
else
    ask "$(jq -r .operationName "$3")" "$3" | jq -e .data >/dev/null
    ask "$(jq -r .operationName "$4")" "$4" | jq -e .data >/dev/null
fi
