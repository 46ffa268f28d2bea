# Dumps that pg_dump made, in and out: sourced by run.sh, after its last step.

step "1. Old dumps: what is one, and is it whole?"
mkdir old parts
pg_dump "$standby" >old/backup_20240801_020000.sql
pg_dump "$standby" | gzip >old/backup_20240802_020000.sql.gz
pg_dump -Fc "$standby" -f old/backup_20240803_020000.dump
pg_dump --data-only "$standby" >parts/data_backup_20240805_020000.sql
for file in old/* parts/*; do
  day=${file#*_2024}
  touch -d "2024-${day:0:2}-${day:2:2} 02:00:00Z" "$file"
  rk inspect "$file"
  says "of pg_dump" "written by   pg_dump" "5 tables, 4,304 rows" "it is whole"
done
head -c 3000 old/backup_20240802_020000.sql.gz >cut.sql.gz
expect 1 "$rowkeep" inspect cut.sql.gz
says "cut off" "it is NOT whole"
expect 3 "$rowkeep" import cut.sql.gz --as ums
says "cut off" "nothing was imported"

step "2. Import them with their times; they are equal to a backup of the same database"
rk backup ums --name same
rk import --all old --as ums
says "its time is 2024-08-01 02:00:00 UTC, when the file was last changed" "custom format, written by pg_dump" "3 files imported"
rk import --all old --as ums
says "0 files imported"
for file in old/*; do
  rk verify same --against "$file"
  says "5 tables and 4,304 rows by hash, and all definitions"
done
rk diff ums@2024-08-01T02:00Z same
says "equal: "
rk diff ums@2024-08-02T02:00Z same
says "equal: "
rk verify same --against ums
says "equal: "

step "3. Restore from one, and one person from one"
make_database from_file "$role"
rk restore old/backup_20240802_020000.sql.gz --to "$url"
says "equal:"
rk verify same --against "$url"
says "equal:"
sql "$standby" "DELETE FROM users WHERE email = 'someone7@corp.example'"
expect 3 "$rowkeep" verify same --against ums
rk restore old/backup_20240801_020000.sql --to ums --tables users --where "email = 'someone7@corp.example'" --with-related --mode merge --no-activity --yes
same "the person" 1 "$(sql "$standby" "SELECT count(*) FROM users WHERE email = 'someone7@corp.example'")"
rk verify same --against ums --rows-only
says "equal: "

step "4. Write a dump that psql loads, compressed, with a checksum"
rk export same --format sql -o weekly.sql.gz
sha256sum -c --quiet weekly.sql.gz.sha256 || fail "the checksum does not fit"
make_database from_export "$role"
gunzip -c weekly.sql.gz | psql -Xq -v ON_ERROR_STOP=1 -d "$url" >/dev/null
rk verify same --against "$url"
says "equal:"

step "5. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
make_recovery_kit backups --repository here
rk snapshots --repository here --key-file typed.key
says " same "
