# Dumps that pg_dump made, in and out: sourced by run.sh, after its last step.

step "1. Old dumps: what is one, and is it whole?"
mkdir old
pg_dump "$standby" >old/backup_20240801_020000.sql
pg_dump "$standby" | gzip >old/backup_20240802_020000.sql.gz
pg_dump -Fc "$standby" -f old/backup_20240803_020000.dump
pg_dump --schema-only "$standby" >old/schema_backup_20240804_020000.sql
pg_dump --data-only "$standby" >old/data_backup_20240805_020000.sql
for file in old/*; do
  rk inspect "$file"
  says PostgreSQL
done
: >old/empty.sql
expect 3 "$rowkeep" inspect old/empty.sql
head -c 3000 old/backup_20240802_020000.sql.gz >cut.sql.gz
expect 3 "$rowkeep" inspect cut.sql.gz
rm old/empty.sql

step "2. Import them with their times; they are equal to a backup of the same database"
rk import --all old --as ums
rk backup ums --name same
for file in old/backup_*; do rk verify same --against "$file" || rk diff "$file" same; done

step "3. Restore from one, and one person from one"
make_database from_file "$role"
rk restore old/backup_20240802_020000.sql.gz --to "$url"
says "equal:"
sql "$standby" "DELETE FROM users WHERE email = 'someone7@corp.example'"
rk restore old/backup_20240801_020000.sql --to ums --where "email = 'someone7@corp.example'" --tables users --yes
same "the person" 1 "$(sql "$standby" "SELECT count(*) FROM users WHERE email = 'someone7@corp.example'")"

step "4. Write a dump that psql loads, compressed, with a checksum"
rk export same --format sql -o weekly.sql.gz
sha256sum -c --quiet weekly.sql.gz.sha256 || fail "the checksum does not fit"
make_database from_export "$role"
gunzip -c weekly.sql.gz | psql -Xq -v ON_ERROR_STOP=1 -d "$url" >/dev/null
rk verify same --against "$url"

step "5. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
rk recovery-kit --repository here -o recovery-kit.html
grep -q "$(sed -n 's/^key //p' backups.key)" recovery-kit.html || fail "the key is not on it"
