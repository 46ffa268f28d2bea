# DINO's own backup files, in and out: sourced by run.sh, after its last step.

step "1. Write its files: data, metadata, checksums, in its folders"
rk export nightly --format dino -o out
id=$(basename "$(echo out/backup_*.json.gz)" .json.gz)
[ -s "out/$id.json.gz" ] && [ -s "out/metadata/$id.meta.json" ] && [ -s "out/checksums/$id.sha256" ] ||
  fail "the files are called otherwise" "$(find out -type f)"
gzip -t "out/$id.json.gz"
same "the checksum" "$(sha256sum "out/$id.json.gz" | cut -d' ' -f1)" "$(cut -d' ' -f1 "out/checksums/$id.sha256")"
same "visits in the metadata" 2500 "$(field "$(cat "out/metadata/$id.meta.json")" recordCounts countryVisits)"

step "2. What is such a file, and is it whole?"
rk inspect "out/$id.json.gz"
says countryVisits 2,500
head -c 4000 "out/$id.json.gz" >cut.json.gz
expect 3 "$rowkeep" inspect cut.json.gz

step "3. Import it, and compare it with the backup that it was made of"
rk import "out/$id.json.gz" --as dino
rk diff "out/$id.json.gz" nightly --rows-only --tables User,CountryVisit --as-stored-by prisma-json

step "4. Restore from it"
sql "$live" 'DELETE FROM "CountryVisit"'
rk restore "out/$id.json.gz" --to dino --tables CountryVisit --yes
same "the visits" 2500 "$(sql "$live" 'SELECT count(*) FROM "CountryVisit"')"

step "5. A page to be printed: where the backups are, the key, and the way back, with and without rowkeep"
rk recovery-kit -o recovery-kit.html
grep -q "$(sed -n 's/^key //p' backups.key)" recovery-kit.html || fail "the key is not on it"
