#!/usr/bin/env bash
# Phone Range Nexus: every procedure of its backup and restore documentation, in Chromium, against the service. README.md says how
# to run it.
driver=$(command -v "${ROWKEEP_TEST_CHROMEDRIVER:-chromedriver}") || { echo "$0: set ROWKEEP_TEST_CHROMEDRIVER to the driver of Chromium" >&2; exit 2; }
needs_no_server=1
. "$(dirname "$0")/../steps.sh"
# Of 125,000 records 100,000 are numbers and 20,000 entries of the audit log; fewer for whoever is in a hurry.
numbers=${EXAMPLE_NUMBERS:-100000} records=$((${EXAMPLE_NUMBERS:-100000} * 6 / 5 + 5000))
number() { printf 'number-%06d' "$1"; }
grouped() { sed ':more; s/\B[0-9]\{3\}\>/,&/; t more' <<<"$1"; }
export MONITORING_URL=https://monitoring.example/backups
export MONITORING_SECRET=whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
. "$here/browser.sh"

step "The page, its 13 stores, 125,000 records"
mkdir downloads
ask serve "$work"
site=$out
sed -i "s|http://127.0.0.1:8480|$site|" rowkeep.toml
rk init --make-key-file backups.key
start_service
echo "{\"service\": \"$api\", \"numbers\": $numbers}" >settings.json
begin driver.log 'started successfully' "$driver" --port=0
open_browser desk
page generate
same "records" $records "$out"
page verify
same "the verification" true "$(field "$out" passed)"
same "stores" 13 "$(field "$out" counts | tr ',' '\n' | wc -l)"

step "Manual backup, with a name: JSON 4.0, downloaded"
browser type '#name' custom-backup-name.json.gz
browser click '#export'
browser said "saved custom-backup-name.json.gz with $records records"
downloaded custom-backup-name.json.gz
same "who wrote the sum" "$(sha256sum <downloads/custom-backup-name.json.gz | cut -d' ' -f1)" "$(cut -d' ' -f1 downloads/custom-backup-name.json.gz.sha256)"
expect 0 sh -c 'cd downloads && sha256sum -c custom-backup-name.json.gz.sha256'
rk inspect downloads/custom-backup-name.json.gz
says "a full backup of Phone Range Nexus" "13 tables, $(grouped $records) rows" "$(grouped $numbers)  phone_numbers" "checksum     holds" "it is whole"
metadata=$(gzip -cd downloads/custom-backup-name.json.gz | sed -n 1p)
metadata="${metadata%,}}"
same "the version" 4.0 "$(field "$metadata" metadata version)"
same "the type" full_backup "$(field "$metadata" metadata type)"
same "records" $records "$(field "$metadata" metadata record_count)"

step "Chosen data sets"
browser reload
for store in phone_numbers audit_log security_events; do browser click "input[value=$store]"; done
browser type '#name' configuration.json.gz
browser click '#export'
downloaded configuration.json.gz
rk inspect downloads/configuration.json.gz
says "10 tables, 2,000 rows" "it is whole"

step "To the service: a token for this database alone"
request 201 POST /api/v1/tokens '{"name": "desk", "role": "operator", "databases": ["prn"]}'
desk_token=$(field "$out" secret)
request 201 POST /api/v1/tokens '{"name": "dashboard", "role": "viewer", "databases": ["prn"]}'
page signIn "\"$(field "$out" secret)\"" '"desk"'
page_refuses 'server: the service refuses it (403)' send '{"stores": ["number_ranges"]}'
page signIn '"rowkeep_0000000000000000000000000000000000000000000000000000000000000000"' '"desk"'
page_refuses 'server: the service refuses it (401)' send '{"stores": ["number_ranges"]}'
page signIn "\"$desk_token\"" '"desk"'
page send '{"name": "monday"}'
first=$(field "$out" snapshot) first_sent=$(field "$out" sent)
rk show monday
says "$(grouped $records) in 13 tables" "device=desk"
page_refuses 'server: the service refuses it (403)' restore "\"$first\"" '{"dryRun": true}'

step "Incremental: what changed, and sent is only that"
page change '["number-000007", "'$(number $((numbers / 2)))'"]' '{"status": "blocked"}'
page lose '["security_events"]' '"event-00001"' '"event-00002"'
page send
second=$(field "$out" snapshot) stores=$(field "$out" stores)
[ "$(field "$out" sent)" -lt $((numbers < 50000 ? first_sent : first_sent / 20)) ] || fail "too much was sent again" "$first_sent: $out"
expect 3 "$rowkeep" diff "$first" "$second" --rows
says "number-000007" "'assigned' -> 'blocked'" "- security_events id='event-00001'" "+ audit_log"
rk export "$first" --format prn -o full.json.gz
rk export "$first" "$second" --format prn --base full.json.gz -o incremental.json.gz
expect 0 sha256sum -c full.json.gz.sha256 incremental.json.gz.sha256
increment=$(gzip -cd incremental.json.gz)
same type incremental_backup "$(field "$increment" metadata type)"
same base full.json.gz "$(field "$increment" metadata base_backup)"
same "a change" blocked "$(field "$increment" changes phone_numbers updated 0 status)"
same "a removal" event-00001 "$(field "$increment" changes security_events deleted 0)"
same "an entry of the log" update "$(field "$increment" changes audit_log inserted 1 action)"

step "By schedule, kept among the site's own files, and what was missed"
page protect '{"every": 1000, "keep": {"newest": 2}, "capture": {"stores": ["system_configurations"]}}'
scheduled() { page events; [ "$(grep -o '"type":"done","reason":"scheduled"' <<<"$out" | wc -l)" -ge 3 ]; }
eventually "nothing is backed up by itself" scheduled
page stop
page kept
same "files kept" 2 "$(grep -o '"name"' <<<"$out" | wc -l)"
page forget
browser reload
page protect '{"every": 1, "keep": {"newest": 2}, "capture": {"stores": ["system_configurations"]}}'
caught_up() { page events; [[ $out == *'"type":"done","reason":"scheduled"'* ]]; }
eventually "what was missed is not caught up" caught_up
page stop
page forget

step "Before and after a bulk operation, an import, an export"
page protect '{"every": "weekly", "keep": {"days": 30}, "capture": {"stores": ["phone_numbers", "number_ranges", "bulk_operations"]}}'
page bulk '"London 005"'
[ "$out" -gt $((numbers / 1000)) ] || fail "nothing was reserved" "$out"
page importRanges
page events
says '"done","reason":"before reserving London 005"' '"done","reason":"after reserving London 005"' '"done","reason":"before import of ranges"'
page stop

step "Before an upgrade, and the way back: complete restore"
page forget
page protect '{"every": "weekly", "keep": {"days": 30}}'
page upgrade 5
before=$(field "$out" stores) kept=$(field "$out" name)
page verify
same "the version" 5 "$(field "$out" version)"
page lose '["uc_network_tests"]'
page removeDatabase
page restoreKept "\"$kept\""
same "made anew" true "$(field "$out" made)"
page verify
same "the verification" true "$(field "$out" passed)"
same "the version" 4 "$(field "$out" version)"
page hashes
same "the stores" "$before" "$out"
page stop

. "$here/restores.sh"
. "$here/recovery.sh"

printf '\nall steps of Phone Range Nexus are done\n'
