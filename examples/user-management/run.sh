#!/usr/bin/env bash
# User Management System: every step of its backup and recovery procedures, on a real PostgreSQL. README.md says how to run it.
. "$(dirname "$0")/../steps.sh"

make_role
make_database production "$role"
export DATABASE_URL=$url SLACK_WEBHOOK=https://hooks.corp.example/services/none
live=$url
load "$live" schema.sql
load "$live" seed.sql

step "Can backups run? An ordinary role is enough"
rk init --repository here --make-key-file backups.key
rk init --repository elsewhere --make-key-file elsewhere.key
rk doctor
says "ok       read every table: 5 tables"
rk config check
says "hourly" "monthly on day 1 at 04:00"

step "Before the first backup, monitoring says that there is none"
expect 3 "$rowkeep" health
says "0 of 1 database keeps its promise"

step "Automated backup, with a snapshot of the provider's own before it"
mkdir bin
printf '#!/bin/sh\necho "$*" >>aws.log\n' >bin/aws
chmod +x bin/aws
PROVIDER=rds RDS_INSTANCE=ums PATH=$PWD/bin:$PATH rk backup ums --name first
same "calls to the provider" 2 "$(grep -c 'db-snapshot' aws.log)"
expect 1 env PROVIDER=unheard-of "$rowkeep" backup ums --name not-made
says "before-backup"
rk snapshots
[[ $out != *not-made* ]] || fail "a backup was made although its hook failed"

step "Manual backups: the schema alone, the rows alone, everything"
rk backup ums --schema-only --name schema-only
rk backup ums --data-only --name data-only
rk backup ums --name before-deployment --tag deployment=2024.8
rk show schema-only
says "schema"
rk verify before-deployment --against ums
says "equal:"

step "Verify the backups: every byte"
rk check --read-data --repository here
says "no damage: 4 snapshots"

step "Encrypted: nobody reads them without the key"
expect 4 "$rowkeep" snapshots --config /dev/null --repository backups --key-file elsewhere.key

step "Point-in-time recovery: as it was before a mistake"
moment=$(date -u +%FT%T.%NZ)
sql "$live" "UPDATE users SET status = 'LOCKED' WHERE status = 'ACTIVE'"
rk backup ums --name after-mistake
make_database recovery "$role"
recovery=$url
rk restore "ums@$moment" --to "$recovery"
says "equal:"
same "people who are active" 300 "$(sql "$recovery" "SELECT count(*) FROM users WHERE status = 'ACTIVE'")"

step "Full restore into the database in use: maintenance mode, other connections ended, proven, in the audit log"
psql -Xqd "$live" -c "SET application_name = 'someone who is still connected'" -c "SELECT pg_sleep(300)" >someone.log 2>&1 &
someone=$!
is_connected() { out=$(sql "$live" "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'someone who is%'") && [ "$out" = 1 ]; }
eventually "nobody is connected" is_connected
rk restore before-deployment --to ums --keep-tables audit_logs --end-connections --yes
says "300 updated"
wait "$someone" && fail "the connection was not ended" "$(cat someone.log)"
same "notices" 2 "$(grep -c maintenance notices.log)"
[ ! -e maintenance-mode ] || fail "maintenance mode is still on"
same "people who are active" 300 "$(sql "$live" "SELECT count(*) FROM users WHERE status = 'ACTIVE'")"
same "the entry in the audit log" database.restore "$(sql "$live" 'SELECT action FROM audit_logs ORDER BY id DESC LIMIT 1')"
rk check-data ums

step "Disaster: the database cannot be reached; what is there, and how long will it take?"
rk backup ums --name last
psql -Xqd "$server" -c "ALTER DATABASE ${databases[0]} ALLOW_CONNECTIONS false"
expect 3 "$rowkeep" assess ums
says "best snapshot" '"last"' "recovery time"

step "Recovery environment, data, missing migrations, health checks"
make_database standby "$role"
standby=$url
rk restore latest:ums --to "$standby"
says "equal:"
DATABASE_URL=$standby rk migrate ums --expect-no-loss -- \
  psql -Xq -v ON_ERROR_STOP=1 -d "$standby" -f migrations/20240801_two_factor.sql
says "migrated:"
DATABASE_URL=$standby rk check-data ums --output health.html
says "0 errors"

step "Cutover: the same name, another URL, one history"
export DATABASE_URL=$standby
rk backup ums --name after-cutover
rk health
says "1 of 1 database keeps its promise"

step "Monthly recovery test, with counts, a report, and clean-up"
rk drill ums --to-server "$standby" --report monthly.html --report monthly.xml
says "drill passed" "users has at least 1 row" "audit_logs has at least 1 row" "recovery time within 30 min"
grep -q '<testsuite' monthly.xml || fail "the report is not JUnit" "$(cat monthly.xml)"
same "scratch databases left" "" "$(psql -XAtqd "$server" -c "SELECT datname FROM pg_database
  WHERE datname LIKE 'rowkeep%' AND pg_get_userbyid(datdba) = '$role'")"

step "Development and tests: the same rows, no person's data"
rk mask check ums
make_database development "$role"
rk restore latest:ums --to "$url" --mask
same "people" 500 "$(sql "$url" 'SELECT count(*) FROM users')"
same "addresses of people" 0 "$(sql "$url" "SELECT count(*) FROM users WHERE email LIKE '%corp.example' OR full_name LIKE 'Someone%'")"
same "actors who are known" 0 "$(sql "$url" 'SELECT count(*) FROM audit_logs WHERE actor LIKE $$%corp.example$$')"
sql "$standby" "ALTER TABLE users ADD COLUMN phone TEXT"
rk backup ums
expect 4 "$rowkeep" export latest:ums --to developers --mask
says "phone"

step "Another region has every backup, under another key"
rk check --read-data --repository elsewhere
says "no damage"
rk verify latest:ums --against ums --repository elsewhere

step "Retention, and deletion of what is over"
rk keep ums
says "hourly 7 days, daily 30 days, weekly 90 days, monthly 1 year"
rk prune --repository here --grace 0s --yes
rk check --read-data --repository here
says "no damage"

. "$here/files.sh"

printf '\nall steps of User Management are done\n'
