#!/usr/bin/env bash
# pg_dump (seen with 15.18 and 18.4) sets DateStyle, IntervalStyle and extra_float_digits for its session, but neither TimeZone nor bytea_output: two dumps of the
# same rows, in the same format, differ where the server, the database or the role has another setting. `timestamptz` is printed with another offset, `bytea` as escapes instead of
# hexadecimal digits. Loading either gives the same database, but who compares dumps (or hashes rows of one against a live database) finds every row changed.
# Fails if both dumps are the same. Wants Debian's postgresql-15; seen on 2026-11-30.
set -euo pipefail
bin=/usr/lib/postgresql/15/bin
work=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then
  as=(runuser -u nobody --)
  chown nobody: "$work"
fi
trap '"${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
"${as[@]}" "$bin/initdb" -D "$work/data" -U postgres -A trust --no-sync --locale=C -E UTF8 >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w -o "-c listen_addresses='' -c unix_socket_directories='$work' -c timezone=UTC" start >/dev/null
psql() { "$bin/psql" -X -q -h "$work" -U postgres "$@"; }
psql -c "CREATE TABLE t (at timestamptz, b bytea); INSERT INTO t VALUES ('2024-01-01 00:00Z', '\\x00ff')"
rows() { "$bin/pg_dump" -h "$work" -U postgres --data-only -t t postgres | grep '^2024'; }
one=$(rows)
psql -c "ALTER DATABASE postgres SET timezone = 'Asia/Kolkata'" -c "ALTER DATABASE postgres SET bytea_output = 'escape'"
other=$(rows)
printf '%s\n%s\n' "$one" "$other"
[ "$one" != "$other" ] && [[ $other == *"+05:30"* ]] && [[ $other == *377* ]]
