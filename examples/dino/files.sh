# DINO's own backup files, in and out: sourced by run.sh, after its last step.

called=(--call User=users --call CountryVisit=countryVisits --call Account=accounts --call Session=sessions)

# visits_as_stored URL TABLE: number and checksum of the visits in a table, in which times may be text.
visits_as_stored() {
  sql "$1" "SELECT count(*), md5(string_agg(concat_ws('|', id, country, \"entryDate\"::timestamp(3), \"exitDate\"::timestamp(3), \"visaType\",
    \"maxDays\", notes, \"userId\", rating), chr(10) ORDER BY id)) FROM \"$2\""
}

step "1. Write its files: data, metadata, checksums, in its folders"
rk export nightly --format dino --compression gzip "${called[@]}" -o out
id=$(basename "$(echo out/backup_*.json.gz)" .json.gz)
[[ $id =~ ^backup_[0-9]{13}_[a-z0-9]{9}$ ]] || fail "it is called otherwise" "$(find out -type f)"
gzip -t "out/$id.json.gz"
(cd out && sha256sum -c --quiet "checksums/$id.sha256") || fail "the checksum does not fit"
same "the checksum" "$(sha256sum "out/$id.json.gz" | cut -d' ' -f1)" "$(cut -d' ' -f1 "out/checksums/$id.sha256")"
metadata=$(cat "out/metadata/$id.meta.json")
same id "$id" "$(field "$metadata" id)"
same "visits in the metadata" 2500 "$(field "$metadata" recordCounts countryVisits)"
same "people in the metadata" 200 "$(field "$metadata" recordCounts users)"

step "2. What is such a file, and is it whole?"
rk inspect "out/$id.json.gz"
says "a backup of DINO" "2,500  countryVisits" "200  users" "it is whole"
head -c 4000 "out/$id.json.gz" >cut.json.gz
expect 1 "$rowkeep" inspect cut.json.gz
says "it is NOT whole"
expect 3 "$rowkeep" import cut.json.gz --as dino
says "nothing was imported"

step "3. Import it, and compare it with the backup that it was made of"
rk import "out/$id.json.gz" --as travel --name from-file
rk export from-file --format dino -o again
rk export nightly --format dino -o same-names
rk diff same-names/backup_*.json nightly --as-stored-by prisma-json
says "equal: " "5 tables compared"
data_of() { gzip -cdf "$1" | sed '/^"metadata"/,$d'; }
[ "$(data_of "out/$id.json.gz" | grep -c '^{"id"')" = 2984 ] || fail "the file has other rows"
cmp <(data_of "out/$id.json.gz") <(data_of again/backup_*.json) || fail "read and written again, it has other data"

step "4. Restore from it, into an empty database; and what was lost into the one in use"
make_database from_file
rk restore "out/$id.json.gz" --to "$url" --yes
says "by hash"
wanted=$(visits_as_stored "$live" CountryVisit)
same "the visits" "$wanted" "$(visits_as_stored "$url" countryVisits)"
sql "$live" "DELETE FROM \"CountryVisit\" WHERE id > 'visit000100'"
rk restore "out/$id.json.gz" --to dino --tables CountryVisit "${called[@]}" --mode merge --yes
says "2,401 inserted, 0 updated, 0 deleted"
same "the visits" "$wanted" "$(visits_as_stored "$live" CountryVisit)"

step "5. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
make_recovery_kit backups
rk snapshots --key-file typed.key
says nightly
