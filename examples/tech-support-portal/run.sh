#!/usr/bin/env bash
# Tech Support Portal: every step of its restoration guide, in the runtime of Cloudflare. README.md says how to run it.
needs_no_server=yes miniflare=${ROWKEEP_TEST_MINIFLARE-}
. "$(dirname "$0")/../steps.sh"
. "$here/cloudflare.sh"
field() { local json=$1; shift; json "$@" <<<"$json"; }

start_cloudflare tech-support-db
export PORTAL_URL=d1+worker://${cloudflare#http://}0 PORTAL_SECRETS=${cloudflare}secrets BACKUPS=${EXAMPLE_BUCKET:-backups}
export MONITORING_URL=https://monitoring.example/backups MONITORING_SECRET=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
api_url=d1://account/tech-support-db
run_file schema.sql
run_file seed.sql
visit /documents/document-007 PUT "the contract of client 7"
tickets() { ask 'SELECT count(*), sum(id * length(title)), sum(is_open) FROM tickets'; }

step "Prerequisites: the database answers, its tables can be read, there is a place for backups"
rk init --make-key-file backups.key
rk doctor portal
says "ok       read every table" "virtual table"
start_service

step "1.1 A backup of the present state, by the portal's own address; who has no token gets none"
request 200 POST /api/admin/backup '{}'
same success true "$(field "$out" success)"
good=$(field "$out" backupId)
admin=$token token=rowkeep_0000000000000000000000000000000000000000000000000000000000000000
request 401 GET /api/admin/backup
token=$admin

step "1.1 The same on the command line, with a name"
rk backup portal --name pre-restore
wanted=$(tickets)

step "1.2 and 1.3 Maintenance mode, and clients are told"
ROWKEEP_TEXT="by hand" ./maintenance on
visit /tickets/42
says "503 We will be back"
ROWKEEP_TEXT="by hand" ./maintenance off
visit /tickets/42
says "200 " "does not answer, no. 42"
same notices 2 "$(grep -c maintenance notices.log)"

step "1.4 Which backups are there"
request 200 GET /api/admin/backup
says "$good"
same "tickets in the newest" 600 "$(field "$out" backups 0 recordCounts tickets)"
rk snapshots portal
says pre-restore

step "1.5 A backup is whole, every byte; and as a file that wrangler executes, with its checksum"
rk check --read-data
says "no damage"
rk export pre-restore --for d1 -o restore-backup.sql
expect 0 sha256sum -c restore-backup.sql.sha256
rk inspect restore-backup.sql
says "13 tables"

step "2. Complete restoration: everything becomes what it was, maintenance mode meanwhile"
d1 "DELETE FROM payments" "DELETE FROM invoice_items WHERE line = 2" "UPDATE tickets SET status = 'closed', title = 'gone' WHERE id > 100" \
  "UPDATE clients SET name = 'nobody' WHERE id > 'client-030'" "DELETE FROM ticket_comments WHERE ticket_id < 50"
expect 3 "$rowkeep" diff pre-restore portal
says payments tickets
rk restore pre-restore --to portal --dry-run
says payments
[ "$(tickets)" != "$wanted" ] || fail "the plan changed something"
rk restore pre-restore --to portal --yes
same tickets "$wanted" "$(tickets)"
same notices 4 "$(grep -c maintenance notices.log)"
visit /search/network
[ "$(json 149 <<<"${out#200 }")" = 598 ] || fail "the search does not find every ticket" "$out"

step "3.1 to 3.3 Counts, orphans, the latest records; every row, by hash"
rk check-data portal --output verification.html
says "clients has at least 40 rows" "0 errors" "the latest ticket is of February 2024 or later"
rk diff pre-restore portal --exclude activity_log
says "equal"
same "the latest client" "Client 40" "$(ask 'SELECT name FROM clients ORDER BY created_at DESC LIMIT 1')"

step "3.4 Clients are in again: tickets, search, documents"
visit /tickets/599
says "200 "
visit /documents/document-007
says "200 the contract of client 7"

step "4.1 The restore is in the portal's own log, and in the audit"
same "the entry" "database_restored|backup" "$(ask "SELECT action, entity_type FROM activity_log WHERE id <> 'first' ORDER BY created_at DESC, rowid DESC LIMIT 1")"
request 200 GET '/api/v1/audit?limit=500'
says '"action":"backup'

step "4.3 Monitoring"
rk health
says "1 of 1 database keeps its promise"

step "Rollback, option 1: the state before the restoration comes back, and goes again"
rk undo portal --yes
same "payments" 0 "$(ask 'SELECT count(*) FROM payments')"
rk undo portal --yes
same tickets "$wanted" "$(tickets)"

step "Rollback, option 2: another backup"
rk restore "$good" --to portal --yes
same tickets "$wanted" "$(tickets)"

step "Scenario 2, partial: one table; one ticket with what belongs to it"
d1 "UPDATE invoices SET number = 'lost ' || id" "DELETE FROM tickets WHERE id = 42"
same "its comments went too" 0 "$(ask 'SELECT count(*) FROM ticket_comments WHERE ticket_id = 42')"
rk restore pre-restore --to portal --tables invoices --yes
same "an invoice" INV-2024-0007 "$(ask 'SELECT number FROM invoices WHERE id = 7')"
rk restore pre-restore --to portal --key tickets:42 --with-related --yes
same "ticket and comments" "1|1" "$(ask 'SELECT (SELECT count(*) FROM tickets WHERE id = 42), (SELECT count(*) FROM ticket_comments WHERE ticket_id = 42)')"
same tickets "$wanted" "$(tickets)"

step "Scenario 3, point in time: as it was before a mistake, beside what is there"
moment=$(date -u +%FT%T.%NZ)
d1 "UPDATE tickets SET status = 'closed'"
rk backup portal --name after-the-mistake
rk restore "portal@$moment" --to as-it-was.db
says "equal:"
rk restore "portal@$moment" --to portal --tables support --yes
same tickets "$wanted" "$(tickets)"

step "Quarterly test: a D1 database of its own, restored, verified, timed, reported, removed"
rk drill portal --to-server d1://account/any --report test.html --report test.xml
says "drill passed" "tickets has at least 500 rows"
grep -q '<testsuite' test.xml || fail "the report is not JUnit" "$(cat test.xml)"
same "databases of the account" tech-support-db "$(databases)"

step "Troubleshooting: foreign keys in the way, because rows come in another order"
awk 'BEGIN { RS = ORS = ";\n" } /^INSERT INTO "(clients|invoices)"/ { late[++count] = $0; next } { print } END { while (count) print late[count--] }' \
  restore-backup.sql >other-order.sql
d1 "DELETE FROM payments" "DELETE FROM invoice_items WHERE invoice_id = 3"
rk restore other-order.sql --to portal --tables payments,invoice_items --yes
same "payments" 40 "$(ask 'SELECT count(*) FROM payments')"

step "Troubleshooting: a backup file is cut off"
head -c 20000 restore-backup.sql >cut.sql
expect 1 "$rowkeep" inspect cut.sql
expect 3 "$rowkeep" import cut.sql --as elsewhere
rk import restore-backup.sql --as old-files
rk diff pre-restore latest:old-files
says equal

step "Troubleshooting: tables are missing"
d1 "DROP TABLE payments" "DROP TABLE invoice_items"
expect 3 "$rowkeep" assess portal
says "DATA IS MISSING" payments
rk restore pre-restore --to portal --with-schema --yes
same "payments" 40 "$(ask 'SELECT count(*) FROM payments')"

step "Troubleshooting: data is not as it should be; since when?"
d1 "UPDATE tickets SET title = 'Printer does not answer, no. 5' WHERE id = 4"
rk backup portal --name odd
rk history tickets 4 portal
says "Printer does not answer, no. 4"
rk restore pre-restore --to portal --key tickets:4 --yes
same tickets "$wanted" "$(tickets)"

step "The database was deleted: it comes back as a new one"
rk restore pre-restore --to d1://account/tech-support-db-2
says "equal:"
same "databases of the account" "tech-support-db tech-support-db-2" "$(databases)"

step "Old backup files of wrangler come along as history"
mkdir old
rk export "$good" --for d1 -o old/database-2024-01-14-02-00-00.sql
rk export pre-restore --for d1 -o old/database-2024-01-15-02-00-00.sql
touch -d '2024-01-14 02:00Z' old/database-2024-01-14*.sql
touch -d '2024-01-15 02:00Z' old/database-2024-01-15*.sql
rk import --all old --as portal-before
rk snapshots portal-before
says "2024-01-14 02:00:00" "2024-01-15 02:00:00"

step "Backups are kept as long as the rules say"
rk keep portal
says "daily 30 days"
stop_service

printf '\nall steps of Tech Support Portal are done\n'
