# Devices, a disaster, what watches and what is kept: sourced by run.sh.

step "Monthly test restore, elsewhere: another device gets the newest backup"
page send
stores=$(field "$out" stores)
open_browser tablet
page signIn "\"$restorer\"" '"tablet"'
page restore '"latest"'
same "made anew" true "$(field "$out" made)"
page hashes
same "the stores" "$stores" "$out"

step "A branch without a connection: its files are imported"
for days in 40 20 2; do rk import configuration.ndjson.gz --as branch --time "$(date -u -d "$days days ago" +%FT%RZ)"; done

step "Two devices, one history: what each changed"
page change '["number-000001", "number-000003"]' '{"status": "blocked"}' '"tablet"'
page send
tablet=$(field "$out" snapshot)
device=desk
page change '["number-000002"]' '{"status": "aging"}' '"desk"'
page change '["number-000003"]' '{"status": "reserved"}' '"desk"'
page merge
same "conflicts, and what came of it" "1 " "$(field "$out" conflicts rows) $(field "$out" snapshot)"
same "the record" number-000003 "$(field "$out" conflicts listed 0 key id)"
desk=$(field "$out" before)
expect 4 "$rowkeep" merge "$tablet" --into "$desk"
says number-000003
rk merge "$tablet" --into "$desk" --prefer from --name both
expect 3 "$rowkeep" diff "$desk" both --rows
says number-000001 number-000003

step "Total loss: all that the browser had of the site is gone"
browser clear "$site"
browser reload
page_refuses AbortError verify
rk check --read-data
says "no damage"
is_listed() { request 200 GET /api/v1/databases/prn/snapshots && [[ $out == *'"both"'* ]]; }
eventually "the service does not see what was merged" is_listed
began=$SECONDS
page signIn "\"$restorer\"" '"desk"'
page restore '"both"'
page verify
same "the verification" "true 0 0" "$(field "$out" passed) $(field "$out" invalid) $(field "$out" orphans)"
[ $((SECONDS - began)) -lt 1800 ] || fail "it took $((SECONDS - began)) seconds"
page get '"phone_numbers"' '"number-000001"'
same "what the tablet changed" blocked "$(field "$out" status)"
page get '"phone_numbers"' '"number-000002"'
same "what the desk changed" aging "$(field "$out" status)"
device=tablet
page restore '"both"'
page hashes
tablet_stores=$out
device=desk
page hashes
same "the stores" "$tablet_stores" "$out"

step "The history of a number"
rk history phone_numbers number-000003 prn
says "reserved" "blocked"

step "Health: newest, age, number; the branch was not heard of for two days"
expect 3 "$rowkeep" health
says "prn" "kept" "branch"
is_overdue() { request 200 GET /api/v1/alerts && sed 's/{"id"/\n&/g' <<<"$out" | grep '"overdue".*"database":"branch"' | grep -v '"cleared"' >/dev/null; }
eventually "there is no alert" is_overdue
request 200 GET /api/v1/health

step "Retention: which are kept, and why; those that no rule keeps go"
rk keep branch
says "within 30 days" "not kept  1"
rk prune --yes
rk snapshots
rk keep prn
says "daily"

step "Alerts are over when a state comes"
request 201 POST /api/v1/tokens '{"name": "branch", "role": "operator", "databases": ["branch"]}'
device=tablet
page signIn "\"$(field "$out" secret)\"" '"counter"' '"branch"'
page send '{"stores": ["system_configurations", "uc_system_settings", "uc_config_files", "uc_config_templates"]}'
not_overdue() { ! is_overdue; }
eventually "the alert stays" not_overdue
rk health
device=desk

step "A development copy: masked"
rk export latest:prn --format own --mask --tables number_ranges,phone_numbers --where "id < 'number-001000'" -o development.ndjson.gz
same "addresses" 0 "$(gzip -cd development.ndjson.gz | grep -c '@example.net' || true)"
browser choose "$work/development.ndjson.gz"
page restoreFile '{}' '"prn-development"'
same "numbers" 999 "$(field "$out" stores phone_numbers inserted)"

step "Who did what"
request 200 GET '/api/v1/audit?limit=500'
says '"outcome":"refused"' 'token desk' 'token recovery of the desk'
request 200 GET /api/v1/audit/verification
stop_service

step "A page to be printed: where the backups are, the key, and the way back"
make_recovery_kit backups
rk snapshots --key-file typed.key
says both
