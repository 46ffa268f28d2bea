# The firm's own backup files, in and out: sourced by run.sh, after its last step.

tables=users,clients,communications

# as_the_firm_writes TABLE: its rows as the firm's script gets them from its mapper: decimals as text, times to the millisecond.
as_the_firm_writes() {
  local form="'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'" changed
  case $1 in
    users) changed="'createdAt', to_char(\"createdAt\", $form), 'updatedAt', to_char(\"updatedAt\", $form)" ;;
    clients) changed="'createdAt', to_char(\"createdAt\", $form), 'updatedAt', to_char(\"updatedAt\", $form),
      'yearEnd', to_char(\"yearEnd\", $form), 'annualFee', trim_scale(\"annualFee\")::text" ;;
    communications) changed="'sentAt', to_char(\"sentAt\", $form)" ;;
  esac
  echo "'$1', (SELECT json_agg(to_jsonb(t) || jsonb_build_object($changed)) FROM $1 t)"
}

# in_file FILE EXPRESSION: what an SQL expression says of a file of JSON, which it calls j.
in_file() {
  FILE=$1 psql -XAtqd "$server" <<SQL
\\set json \`cat "\$FILE"\`
SELECT $2 FROM (SELECT :'json'::jsonb AS j) file
SQL
}

step "1. The old files are backups like any other: what is one, and is it whole?"
mkdir old
old=old/backup-2024-06-18T10-30-00-000Z.json
sql "$live" "SELECT json_build_object('timestamp', '2024-06-18T10:30:00.000Z', 'data', json_build_object(
  $(as_the_firm_writes users), $(as_the_firm_writes clients), $(as_the_firm_writes communications)))" >"$old"
rk inspect "$old"
says "a backup of Numericalz" "3 tables, 1,912 rows" "12  users" "400  clients" "1,500  communications" "it is whole"

step "2. Import them with their times; the rows are those of the database"
rk import --all old --as numericalz
says "its time is 2024-06-18 10:30:00 UTC"
rk diff numericalz@2024-06-18T10:30Z live --tables "$tables" --as-stored-by prisma-json
says "equal: "
sql "$live" "UPDATE clients SET \"annualFee\" = \"annualFee\" + 0.01 WHERE \"clientCode\" = 'NZ-7'"
expect 3 "$rowkeep" diff "$old" live --tables "$tables" --as-stored-by prisma-json --rows
same "what differs" "  ~ clients id='client-0007' annualFee: '608.75' -> '608.76'" "$(sed -n 's/^~ /  &/p' <<<"$out")"
sql "$live" "UPDATE clients SET \"annualFee\" = \"annualFee\" - 0.01 WHERE \"clientCode\" = 'NZ-7'"

step "3. A file cut short is refused, and says where"
head -c 20000 "$old" >cut.json
expect 1 "$rowkeep" inspect cut.json
says "line 1: the file is cut off" "it is NOT whole"
expect 3 "$rowkeep" import cut.json --as numericalz
says "line 1: the file is cut off" "nothing was imported"

step "4. Restore from one, into an empty database; and what was lost into the one in use"
make_database from_file
rk restore "$old" --to "$url" --yes
says "3 tables and 1,912 rows by hash"
rk diff "$old" "$url" --as-stored-by prisma-json
says "equal: "
lost=$(sql "$live" 'SELECT count(*), md5(string_agg(c::text, chr(10) ORDER BY id)) FROM communications c')
sql "$live" 'DELETE FROM communications'
rk restore "$old" --to numericalz --tables communications --dry-run
says "1,500" "nothing was changed"
rk restore "$old" --to numericalz --tables communications --yes
says "done: 1,500 inserted, 0 updated, 0 deleted" "rowkeep undo numericalz"
same "the communications" "$lost" "$(sql "$live" 'SELECT count(*), md5(string_agg(c::text, chr(10) ORDER BY id)) FROM communications c')"

step "5. Write such a file, which the firm's own script would take, with its name and checksum"
rk export monthly-test --format num -o out
file=$(echo out/backup-????-??-??T??-??-??-???Z.json)
[ -e "$file" ] || fail "the file is called otherwise" "$(ls out)"
(cd out && sha256sum -c --quiet -- *.sha256) || fail "the checksum does not fit"
same "its members" '["data", "timestamp"]' "$(in_file "$file" '(SELECT jsonb_agg(name ORDER BY name) FROM jsonb_object_keys(j) name)')"
same "people, clients, their fees" "12|400|608.75" "$(in_file "$file" "jsonb_array_length(j #> '{data,users}'), jsonb_array_length(j #> '{data,clients}'),
  jsonb_path_query_first(j, '\$.data.clients[*] ? (@.clientCode == \"NZ-7\").annualFee') #>> '{}'")"
rk diff "$file" monthly-test --as-stored-by prisma-json
says "equal: " "9 tables compared"
rk import "$file" --as numericalz --name from-file
rk export from-file --format num -o again.json
cmp again.json "$file" || fail "read and written again, it is another file"

step "6. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
make_recovery_kit backups
rk snapshots --key-file typed.key
says monthly-test
