#!/usr/bin/env bash
# DINO: every step of its backup and restore documentation, over its own REST API, on a real PostgreSQL. README.md says how to
# run it.
. "$(dirname "$0")/../steps.sh"

make_database production
export DATABASE_URL=$url MONITORING_URL=https://monitoring.example/backups
export MONITORING_SECRET=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
live=$url
load "$live" schema.sql
load "$live" seed.sql
visits() { sql "$live" 'SELECT count(*), md5(string_agg(v::text, chr(10) ORDER BY id)) FROM "CountryVisit" v'; }
sessions() { sql "$live" 'SELECT count(*), md5(string_agg(s::text, chr(10) ORDER BY id)) FROM "Session" s'; }

step "Before a backup: connection, permissions, room, operations in progress"
rk init --make-key-file backups.key
rk doctor
says "ok       read every table: 5 tables" "ok       free space for the repository" "ok       locks of others"
start_service

step "POST /api/backup: with the travel data, without sessions"
request 200 POST /api/backup '{"includeUserData": true, "includeSessions": false, "compress": true}'
same success true "$(field "$out" success)"
backup=$(field "$out" backupId)

step "GET /api/backup: the list, with metadata; its statistics"
request 200 GET /api/backup
same id "$backup" "$(field "$out" backups 0 id)"
same "visits in the backup" 2500 "$(field "$out" backups 0 recordCounts CountryVisit)"
same "sessions in the backup" "" "$(field "$out" backups 0 recordCounts Session)"
same environment production "$(field "$out" backups 0 environment)"
request 200 GET '/api/backup?action=stats'
same "backups" 1 "$(field "$out" stats totalBackups)"

step "After a backup: every byte, and that it has what the database has"
rk check --read-data
says "no damage"
rk diff "$backup" live --tables User,CountryVisit
says "equal"

step "Selective backups: without the travel data; with the sessions too"
request 200 POST /api/backup '{"includeUserData": false}'
rk show "$(field "$out" backupId)" --json
same "rows of what is not travel data" 200 "$(field "$out" rows)"
request 200 POST /api/backup '{"includeSessions": true}'
whole=$(field "$out" backupId)

step "Incremental: what was inserted, updated, deleted since a base, and stored is only that"
sql "$live" "UPDATE \"CountryVisit\" SET \"maxDays\" = 45 WHERE id = 'visit000007'; DELETE FROM \"CountryVisit\" WHERE id = 'visit000008';
  INSERT INTO \"CountryVisit\" VALUES ('visit999999', 'NZ', '2024-06-01 10:00', NULL, 'Tourist', 90, NULL, 'user00001')"
rk backup dino --json --quiet
[ "$(field "$out" snapshots 0 new_bytes)" -lt 4000 ] || fail "too much was stored again" "$out"
expect 3 "$rowkeep" diff "$whole" latest:dino --rows
says visit000007 visit000008 visit999999

step "Security: no token, a token that may only look, a wrong request"
admin=$token token=rowkeep_0000000000000000000000000000000000000000000000000000000000000000
request 401 GET /api/backup
token=$admin
request 201 POST /api/v1/tokens '{"name": "dashboard", "role": "viewer"}'
viewer=$(field "$out" secret)
token=$viewer
request 200 GET /api/backup
request 403 POST /api/backup '{}'
request 403 DELETE "/api/backup?id=$backup"
request 403 POST /api/backup/restore "{\"backupId\": \"$backup\"}"
token=$admin
request 422 POST /api/backup '{"includeUserData": "yes"}'
request 404 DELETE '/api/backup?id=0123456789abcdef0123456789abcdef'

step "Partial corruption: try a restore, then do it, sessions left as they are"
wanted=$(visits) before=$(sessions)
request 200 POST /api/backup '{"includeSessions": true}'
good=$(field "$out" backupId)
sql "$live" "UPDATE \"CountryVisit\" SET country = 'XX' WHERE id < 'visit001000'; DELETE FROM \"CountryVisit\" WHERE id > 'visit002400'"
sql "$live" "UPDATE \"Session\" SET expires = '2024-08-01' WHERE id = 'session1'"
before=$(sessions)
request 200 POST /api/backup/restore "{\"backupId\": \"$good\", \"dryRun\": true, \"skipSessions\": true}"
[ "$(visits)" != "$wanted" ] || fail "the dry run changed something"
request 200 POST /api/backup/restore "{\"backupId\": \"$good\", \"dryRun\": false, \"skipSessions\": true}"
same success true "$(field "$out" success)"
same "visits" 2500 "$(field "$out" recordCounts CountryVisit)"
same "the visits" "$wanted" "$(visits)"
same "the sessions" "$before" "$(sessions)"
same "the entry in the log" restore "$(sql "$live" 'SELECT action FROM "BackupLog"')"

step "Only the tables that are damaged; rows that would refer to nobody are found before"
sql "$live" "UPDATE \"CountryVisit\" SET notes = NULL"
sql "$live" "DELETE FROM \"User\" WHERE id = 'user00200'"
expect 4 "$rowkeep" restore "$good" --to dino --tables CountryVisit --yes
says "User"
rk restore "$good" --to dino --tables CountryVisit --dangling bring --yes
same "the visits" "$wanted" "$(visits)"

step "Conflicts: keep what is there and add the rest; update what is there and add the rest"
sql "$live" "UPDATE \"CountryVisit\" SET notes = 'newer' WHERE id = 'visit000004'; DELETE FROM \"CountryVisit\" WHERE id = 'visit000005'"
rk restore "$good" --to dino --tables CountryVisit --mode merge --yes
says "done: 1 inserted, 0 updated, 0 deleted"
rk restore "$good" --to dino --tables CountryVisit --mode update --yes
says "done: 0 inserted, 1 updated, 0 deleted"
rk check-data dino
says "0 errors"

step "The schema has changed since: it is checked before, and the new column keeps its values"
sql "$live" "ALTER TABLE \"CountryVisit\" ADD COLUMN rating INTEGER; UPDATE \"CountryVisit\" SET rating = 5, country = 'YY' WHERE id = 'visit000001'"
rk restore "$good" --to dino --tables CountryVisit --yes
says "rating"
same "the rating" "TH|5" "$(sql "$live" "SELECT country, rating FROM \"CountryVisit\" WHERE id = 'visit000001'")"

step "Complete data loss: which backup is the best, then everything but the sessions"
rk backup dino --name nightly
sql "$live" 'DROP TABLE "CountryVisit", "Session", "Account", "User", "BackupLog"'
expect 3 "$rowkeep" assess dino
says "DATA IS MISSING" nightly
rk restore nightly --to dino --keep-tables sessions
same "the visits" 2500 "$(sql "$live" 'SELECT count(*) FROM "CountryVisit"')"
same "sessions and accounts" "0|0" "$(sql "$live" 'SELECT (SELECT count(*) FROM "Session"), (SELECT count(*) FROM "Account")')"

step "Another environment gets the rows without people"
make_database development
rk restore nightly --to "$url" --mask
same "addresses" 0 "$(sql "$url" "SELECT count(*) FROM \"User\" WHERE email LIKE 'traveller%'")"
same "refresh tokens" 0 "$(sql "$url" 'SELECT count(refresh_token) FROM "Account"')"

step "Monthly recovery drill: restored elsewhere, proven, timed"
rk drill dino --to-server "$server"
says "drill passed"

step "Health: number, newest, oldest, sizes, integrity, retention"
request 200 GET /api/v1/health
says '"others":[]'
request 200 GET '/api/backup?action=stats'
[ "$(field "$out" stats totalBackups)" -ge 5 ] || fail "backups are missing in the statistics" "$out"
request 200 POST '/api/v1/repository/checks?wait=60s' '{}'
same "the check" done "$(field "$out" state)"
rk keep dino
says "30 days"

step "Alerts: somebody tries again and again what is not allowed"
token=$viewer
for _ in {1..20}; do request 403 POST /api/backup '{}'; done >/dev/null
token=$admin
is_noticed() { request 200 GET /api/v1/alerts && [[ $out == *unauthorised* ]]; }
eventually "there is no alert" is_noticed

step "DELETE /api/backup: gone, and noted"
request 200 DELETE "/api/backup?id=$backup"
request 404 DELETE "/api/backup?id=$backup"
request 200 GET '/api/v1/audit?limit=500'
says '"who":"token dashboard' '"outcome":"refused"' snapshot.delete
request 200 GET /api/v1/audit/verification
stop_service

. "$here/files.sh"

printf '\nall steps of DINO are done\n'
