# The firm's own backup files, in and out: sourced by run.sh, after its last step.

# count_in FILE PATH: how many entries a list in a file of JSON has.
count_in() {
  FILE=$1 psql -XAtqd "$server" -v "path=$2" <<'SQL'
\set json `cat "$FILE"`
SELECT jsonb_array_length(:'json'::jsonb #> :'path')
SQL
}

step "1. The old files are backups like any other: what is one, and is it whole?"
mkdir old
psql -XAtqd "$live" -o old/backup-2024-06-18T10-30-00-000Z.json -c "
  SELECT jsonb_build_object('timestamp', '2024-06-18T10:30:00.000Z', 'data', jsonb_build_object(
    'users', (SELECT jsonb_agg(to_jsonb(u)) FROM users u), 'clients', (SELECT jsonb_agg(to_jsonb(c)) FROM clients c),
    'communications', (SELECT jsonb_agg(to_jsonb(c)) FROM communications c)))"
rk inspect old/backup-2024-06-18T10-30-00-000Z.json
says users 12 clients 400 communications 1,500

step "2. Import them with their times; the rows are those of the database"
rk import --all old --as numericalz
rk snapshots
says 2024-06-18
expect 0 "$rowkeep" diff old/backup-2024-06-18T10-30-00-000Z.json live --tables users,clients,communications --as-stored-by prisma-json

step "3. A file cut short is refused, and says where"
head -c 20000 old/backup-2024-06-18T10-30-00-000Z.json >cut.json
expect 3 "$rowkeep" inspect cut.json
expect 3 "$rowkeep" import cut.json --as numericalz

step "4. Restore from one, into an empty database and into the one in use"
make_database from_file
load "$url" schema.sql
rk restore old/backup-2024-06-18T10-30-00-000Z.json --to "$url" --tables users,clients,communications --yes
same "the clients" "$(sql "$live" 'SELECT "clientCode", "annualFee" FROM clients ORDER BY 1')" "$(sql "$url" 'SELECT "clientCode", "annualFee" FROM clients ORDER BY 1')"

step "5. Write such a file, which the firm's own script would take, with its name and checksum"
rk export monthly-test --format num -o out
(cd out && sha256sum -c --quiet -- *.sha256) || fail "the checksum does not fit"
file=$(echo out/backup-????-??-??T??-??-??-???Z.json)
[ -e "$file" ] || fail "the file is called otherwise" "$(ls out)"
same "users in the file" 12 "$(count_in "$file" '{data,users}')"
rk diff "$file" monthly-test --rows-only --as-stored-by prisma-json

step "6. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
rk recovery-kit -o recovery-kit.html
grep -q "$(sed -n 's/^key //p' backups.key)" recovery-kit.html || fail "the key is not on it"
