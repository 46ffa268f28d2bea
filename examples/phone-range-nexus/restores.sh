# Restores of all kinds, and what to do about files that are not whole: sourced by run.sh.

step "Restore in the page: what would change is shown, and asked"
page lose '["system_configurations"]'
browser reload
browser choose "$work/downloads/configuration.json.gz"
browser click '#restore'
browser yes
same "the question" "50 records come, 0 change, 2 go. Restore?" "$out"
browser said restored
page verify
same "settings" 50 "$(field "$out" counts system_configurations)"

step "Dry run; merge, update, replace"
page hashes '["uc_system_settings"]'
wanted=$(sum uc_system_settings)
page put '"uc_system_settings"' '{"key": "uc.01", "value": -1}'
page put '"uc_system_settings"' '{"key": "uc.99", "value": 99}'
page lose '["uc_system_settings"]' '"uc.02"' '"uc.03"'
page hashes '["uc_system_settings"]'
changed=$(sum uc_system_settings)
page restoreFile '{"stores": ["uc_system_settings"], "dryRun": true}'
same "would be done" "2 1 1" "$(counts uc_system_settings)"
page hashes '["uc_system_settings"]'
same "after the dry run" "$changed" "$(sum uc_system_settings)"
page restoreFile '{"stores": ["uc_system_settings"], "mode": "merge"}'
same "merged" "2 0 0" "$(counts uc_system_settings)"
page get '"uc_system_settings"' '"uc.01"'
same "what was there" -1 "$(field "$out" value)"
page restoreFile '{"stores": ["uc_system_settings"], "mode": "update"}'
same "updated" "0 1 0" "$(counts uc_system_settings)"
page get '"uc_system_settings"' '"uc.99"'
same "what was added" 99 "$(field "$out" value)"
page restoreFile '{"stores": ["uc_system_settings"], "mode": "replace"}'
same "replaced" "0 0 1" "$(counts uc_system_settings)"
page hashes '["uc_system_settings"]'
same "the store" "$wanted" "$(sum uc_system_settings)"

step "Verification: the six states, ranges that are there, counts, indexes"
page put '"phone_numbers"' '{"id": "number-999999", "number": "+44 20 7999999", "range_name": "Nowhere", "status": "lost"}'
page verify
same "the verification" "false 1 1" "$(field "$out" passed) $(field "$out" invalid) $(field "$out" orphans)"

step "Lost phone numbers: that store alone, the audit log stays as it is"
request 201 POST /api/v1/tokens '{"name": "recovery of the desk", "role": "restorer", "databases": ["prn"]}'
restorer=$(field "$out" secret)
page signIn "\"$restorer\"" '"desk"'
page change '["number-000008"]' '{"status": "aging"}'
page lose '["phone_numbers"]' '"number-000001"' "\"$(number $((numbers / 5)))\""
page hashes '["audit_log"]'
log=$(sum audit_log)
page restore "\"$second\"" '{"stores": ["phone_numbers"]}'
same "what came, and went" "$((numbers / 5)) 0 1" "$(counts phone_numbers)"
page hashes '["audit_log", "phone_numbers"]'
same "the audit log" "$log" "$(sum audit_log)"
same "the numbers" "$(field "$stores" phone_numbers sha256)" "$(sum phone_numbers)"
page verify
same "the verification" "true 0 0" "$(field "$out" passed) $(field "$out" invalid) $(field "$out" orphans)"
for status in available assigned reserved aging blocked toll-free; do
  [ "$(field "$out" statuses $status)" -gt $((numbers * 16 / 100)) ] || fail "numbers that are $status are missing" "$out"
done

step "Lost configuration; a restore that was not complete"
configuration='["system_configurations", "uc_system_settings", "uc_config_files", "uc_config_templates"]'
page lose "$configuration"
rk export "$second" --tables configuration --format own -o configuration.ndjson.gz
browser choose "$work/configuration.ndjson.gz"
page restoreFile '{"stores": ["system_configurations", "uc_system_settings"]}'
page verify
same "files of configuration" 0 "$(field "$out" counts uc_config_files)"
page restoreFile '{"dryRun": true}'
same "what is missing" "100 0 0, 50 0 0" "$(counts uc_config_files), $(counts uc_config_templates)"
page restoreFile
page hashes "$configuration"
for store in system_configurations uc_system_settings uc_config_files uc_config_templates; do
  same "$store" "$(field "$stores" $store sha256)" "$(sum $store)"
done

step "A damaged file: refused, nothing changed; the previous one; the tables that are whole"
file=downloads/configuration.json.gz
gzip -cd $file | head -c "$(($(gzip -cd $file | wc -c) * 3 / 4))" >cut.json || true
gzip -cd $file | sed 's/\("London 050","from":[0-9]*\)1,/\12,/' | gzip >changed.json.gz
sed 's/configuration/changed/' $file.sha256 >changed.sha256
expect 1 sha256sum -c changed.sha256
for file in cut.json changed.json.gz; do
  expect 1 "$rowkeep" inspect $file
  says "it is NOT whole"
  browser choose "$work/$file"
  page_refuses "damaged: " restoreFile
done
page hashes "$configuration"
same "the configuration" "$(field "$stores" uc_config_files sha256)" "$(sum uc_config_files)"
expect 3 "$rowkeep" import cut.json --as salvaged
expect 1 "$rowkeep" import cut.json --as salvaged --salvage
rk show latest:salvaged
says number_ranges bulk_operations

step "A full backup and its increments, put together"
tables=number_ranges,security_events,audit_log
mkdir database-backups
rk export "$first" --tables $tables --format prn -o database-backups/full.json.gz
rk export "$first" "$second" --tables $tables --format prn --base full.json.gz -o database-backups/incremental.json.gz
rk import --all database-backups --as files
rk export latest:files --format prn -o together.json.gz
rk export "$second" --format own --tables $tables -o second.ndjson.gz
browser choose "$work/second.ndjson.gz"
page restoreFile '{}' '"prn-copy"'
browser choose "$work/together.json.gz"
page restoreFile '{"dryRun": true}' '"prn-copy"'
for store in ${tables//,/ }; do same "differences in $store" "0 0 0" "$(counts $store)"; done

step "Point in time: the backup before it, and the audit log up to it"
page send
base=$(field "$out" snapshot)
page change '["number-000011", "number-000012"]' '{"status": "reserved"}' '"admin1"'
page toggle '{"id": "number-000013"}'
page toggle '{"id": "number-900000", "number": "+44 20 7900000", "range_name": "London 001", "status": "available", "tags": []}'
page hashes
then=$out
moment=$(date -u +%FT%T.%3NZ)
page change '["number-000011", "number-000014"]' '{"status": "lost"}' '"admin2"'
page toggle '{"id": "number-900000"}'
page send
expect 0 "$rowkeep" replay prn --until "$moment" --dry-run
says "4 entries" "phone_numbers       1       2       1" "entries that are later: 3" "no snapshot was made"
rk replay prn --until "$moment" --name then
expect 3 "$rowkeep" diff "$base" then --rows
says "number-000011" "'reserved'" "number-900000" "- phone_numbers id='number-000013'"
is_listed() { request 200 GET /api/v1/databases/prn/snapshots && [[ $out == *'"then"'* ]]; }
eventually "the service does not see what was replayed" is_listed
page restore '"then"'
page hashes
same "the stores" "$then" "$out"
page verify
same "the verification" "true 0 0" "$(field "$out" passed) $(field "$out" invalid) $(field "$out" orphans)"
page toggle '{"id": "number-000013", "number": "+44 20 7000013", "range_name": "London 001", "status": "available"}'
page toggle '{"id": "number-900000"}'
