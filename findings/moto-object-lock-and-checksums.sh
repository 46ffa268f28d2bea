#!/usr/bin/env bash
# moto (5.2.5, PyPI), the server of S3 for tests: an upload into a bucket whose Object Lock has a default retention is refused when it carries its SHA-256 in
# x-amz-checksum-sha256, with 400 MissingUploadObjectWithObjectLockHeaders, and taken when it only names an algorithm in
# x-amz-sdk-checksum-algorithm and carries no checksum at all. S3's manual has it the other way round: of PutObject it says that where the algorithm is named the
# checksum has to be there too, or the request fails with 400. Clients that send checksums without being an SDK of Amazon's (such as the crate object_store) cannot be
# tried with moto and a retention, and those that forget the checksum are not noticed.
# Fails if the statuses are others than 400, 200 and, with Content-MD5, 200. Wants python3 with venv, curl, openssl; seen on 2026-11-29.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
server=
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'moto[server]==5.2.5'
port=$((20000 + RANDOM % 20000))
"$work/venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/log" 2>&1 &
server=$!
url=http://127.0.0.1:$port/kept
for _ in {1..100}; do
  curl -s -o /dev/null "http://127.0.0.1:$port/" && break
  sleep 0.2
done
auth='Authorization: AWS4-HMAC-SHA256 Credential=x/20261129/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0'
send() { curl -s -o "$work/answer" -w '%{http_code}' -H "$auth" "$@"; }
send -X PUT -H 'x-amz-bucket-object-lock-enabled: true' "$url" >/dev/null
rule='<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>'
send -X PUT -H 'Content-Type: application/xml' --data-binary "$rule" "$url?object-lock" >/dev/null
printf 'a pack' >"$work/object"
sha=$(openssl dgst -sha256 -binary "$work/object" | base64)
md5=$(openssl dgst -md5 -binary "$work/object" | base64)
carried=$(send -T "$work/object" -H "x-amz-checksum-sha256: $sha" "$url/carried")
why=$(grep -o '<Code>[^<]*' "$work/answer" | cut -d'>' -f2)
named=$(send -T "$work/object" -H 'x-amz-sdk-checksum-algorithm: SHA256' "$url/named")
digest=$(send -T "$work/object" -H "Content-MD5: $md5" "$url/digest")
echo "moto $("$work/venv/bin/python" -c 'import moto; print(moto.__version__)'): with x-amz-checksum-sha256 $carried $why; with x-amz-sdk-checksum-algorithm alone $named; with Content-MD5 $digest"
[ "$carried $why $named $digest" = '400 MissingUploadObjectWithObjectLockHeaders 200 200' ] || { echo "this has changed" >&2; exit 1; }
