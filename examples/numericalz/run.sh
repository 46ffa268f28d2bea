#!/usr/bin/env bash
# Numericalz: every step of the firm's backup and recovery guide, on a real PostgreSQL. README.md says how to run it.
. "$(dirname "$0")/../steps.sh"

make_database production
export DATABASE_URL=$url
live=$url
load "$live" schema.sql
load "$live" seed.sql

step "Troubleshooting first: can backups run, and when do they?"
rk init --make-key-file backups.key
rk doctor
says "ok       read every table" "ok       free space for the repository" "ok       table for activity rows: activity_logs"
rk config check
says "daily at 02:00, 08:00, 14:00 and 20:00" "monthly on day 1 at 04:00"

step "Manual backup, with a name"
rk backup numericalz --name before-quarter-end --tag by-hand=yes
says "9 tables, 3,989 rows"

step "List the backups, and what is in one"
rk snapshots
says before-quarter-end
rk show before-quarter-end
says users user_settings clients communications email_templates notifications activity_logs system_settings

step "Check the integrity of the backups"
rk check --read-data
says "no damage"
rk verify before-quarter-end --against numericalz
says "equal:"

step "Verify current data"
rk check-data numericalz
says "the partners can sign in"
rk assess numericalz
says "complete"

step "Data loss: clients are deleted, with their communications; the log keeps its rows, and loses whom they are about"
sql "$live" "DELETE FROM clients WHERE \"clientCode\" LIKE 'NZ-1%'"
expect 3 "$rowkeep" assess numericalz
says "DATA IS MISSING" "MISSING 111 rows" "recovery time"

step "Keep what is there, and look at what a restore would change"
rk backup numericalz --name as-found
expect 3 "$rowkeep" diff before-quarter-end as-found --summary
rk restore before-quarter-end --to numericalz --mode update --dry-run
says "nothing was changed"
same "the number of clients" 289 "$(sql "$live" 'SELECT count(*) FROM clients')"

step "Restore; the restore stands in the application's own log"
rk restore before-quarter-end --to numericalz --mode update --yes
says "done: 554 inserted, 555 updated, 0 deleted" "rowkeep undo numericalz"
same "the number of clients" 400 "$(sql "$live" 'SELECT count(*) FROM clients')"
same "log entries about a client" 2000 "$(sql "$live" 'SELECT count("clientId") FROM activity_logs')"
same "the row in the log" 1 "$(sql "$live" "SELECT count(*) FROM activity_logs WHERE action = 'DATABASE_restore'")"
rk check-data numericalz

step "The way back: undo the restore, and undo that"
rk undo numericalz --yes
same "the number of clients" 289 "$(sql "$live" 'SELECT count(*) FROM clients')"
rk undo numericalz --yes
same "the number of clients" 400 "$(sql "$live" 'SELECT count(*) FROM clients')"

step "Safe migration: a backup before, the migration, checks, a backup after"
rk migrate numericalz --expect-no-loss -- ./migrate.sh migrations/20240618_client_fees.sql
says "migrated:" "feeReviewed"
[[ $out =~ snapshot\ ([0-9a-f]{8})\ is\ the\ state\ before ]] || fail "it does not say what it kept" "$out"
before=${BASH_REMATCH[1]}
rk snapshots --json
says '"migration":"before"' '"migration":"after"'

step "Back to before a migration that succeeded, by hand; and back again"
columns() { sql "$live" "SELECT count(*) FROM information_schema.columns WHERE table_name = 'clients'"; }
rk restore "$before" --to numericalz --with-schema --yes
says "equal:"
same "the columns of clients" 13 "$(columns)"
rk undo numericalz --yes
same "the columns of clients" 14 "$(columns)"

step "A migration that fails is rolled back, and that is proven"
before=$(sql "$live" 'SELECT count(*), sum("annualFee") FROM clients')
expect 1 "$rowkeep" migrate numericalz -- ./migrate.sh migrations/20240701_broken.sql
says "rolled back"
same "clients" "$before" "$(sql "$live" 'SELECT count(*), sum("annualFee") FROM clients')"
same "communications by telephone" 375 "$(sql "$live" "SELECT count(*) FROM communications WHERE type = 'PHONE'")"

step "Monthly recovery test: note the state, restore the backup elsewhere, compare"
rk backup numericalz --name monthly-test
make_database recovery
rk restore monthly-test --to "$url"
says "equal:"
rk diff "$live" "$url"
same "the users" "$(sql "$live" 'SELECT * FROM users ORDER BY 1')" "$(sql "$url" 'SELECT * FROM users ORDER BY 1')"

step "The same in one command, timed, with a report, and cleaned up"
rk drill numericalz --to-server "$server" --report drill.html
says "drill passed" "recovery time within 30 min" "data loss within 1 d"
[ -s drill.html ] || fail "there is no report"

step "Retention: hourly 7 days, daily 30 days, weekly 3 months, monthly 1 year"
rk keep numericalz --explain
says "hourly 7 days, daily 30 days, weekly 3 months, monthly 1 year" "tag by-hand" "tag migration"
rk prune --dry-run
[[ $out != *before-quarter-end* ]] || fail "what was made for a reason would be deleted" "$out"

step "Quarterly: the backups survive the loss of the machine's disk, by a second copy"
rk copy --to second --create --to-key-file second.key
rk verify monthly-test --against numericalz --repository second --key-file second.key

step "Run continuously: the service keeps the schedule; an application announces what it is about to do"
start_service
request 200 GET /api/v1/schedules
says "daily at 02:00, 08:00, 14:00 and 20:00"
request 200 POST "/api/v1/databases/numericalz/events?wait=60s" '{"event": "before-import"}'
same "the job" done "$(field "$out" state)"
request 200 GET "/api/v1/databases/numericalz/snapshots"
says before-import

step "Only authorised people: whoever may look may not back up or restore, and the attempt is noted"
request 201 POST /api/v1/tokens '{"name": "dashboard", "role": "viewer"}'
admin=$token token=$(field "$out" secret)
request 200 GET /api/v1/databases
request 403 POST /api/v1/databases/numericalz/backups '{}'
token=$admin
request 200 GET /api/v1/audit
says "dashboard" "refused"

step "Monitoring: a backup that fails is an alert, and the next one that is done ends it"
request 200 GET /api/v1/health
sql "$server" "ALTER DATABASE ${databases[0]} ALLOW_CONNECTIONS false"
request 200 POST "/api/v1/databases/numericalz/backups?wait=60s" '{}'
same "the job" failed "$(field "$out" state)"
# Others may be open too: that of the mail server, which is nowhere.
find_alert() {
  request 200 GET /api/v1/alerts
  alert=$(psql -XAtqd "$server" -v "json=$out" \
    <<<"SELECT jsonb_path_query_first(:'json'::jsonb, '$.alerts[*] ? (@.kind == \"backup_failed\")')")
  [ -n "$alert" ]
}
alert_is_open() { find_alert && [ -z "$(field "$alert" cleared)" ]; }
alert_is_over() { find_alert && [ -n "$(field "$alert" cleared)" ]; }
eventually "there is no alert" alert_is_open
! alert_is_over || fail "it is said to be over" "$out"
sql "$server" "ALTER DATABASE ${databases[0]} ALLOW_CONNECTIONS true"
request 200 POST "/api/v1/databases/numericalz/backups?wait=60s" '{}'
same "the job" done "$(field "$out" state)"
eventually "the alert does not end" alert_is_over

step "After the incident: the audit is whole, and can be handed on"
request 200 GET /api/v1/audit/verification
stop_service
rk audit verify
rk audit export
says '"action":"event.create"' '"outcome":"refused"' '"outcome":"failed"'
rk health
says "1 of 1 database is protected"

. "$here/files.sh"

printf '\nall steps of Numericalz are done\n'
