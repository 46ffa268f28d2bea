# What stands in for Cloudflare in the example: its own runtime on this machine (workerd, with D1 and R2), which has the portal, the Worker
# that comes with rowkeep, and the REST API before the same databases. run.sh sources it after steps.sh.

root=$(realpath "$here/../..")
[ -n "$miniflare" ] || { echo "$0: set ROWKEEP_TEST_MINIFLARE to a folder with miniflare, or run this by scripts/with-servers" >&2; exit 2; }

# start_cloudflare NAME: an account with one database. $cloudflare is its runtime, $front its API.
start_cloudflare() {
  mkfifo cloudflare.said cloudflare.lives
  node "$root/crates/rowkeep-engine/tests/engines/d1/server.mjs" "$miniflare/node_modules/miniflare/dist/src/index.js" \
    "$root/clients/d1-worker/worker.js" "$work/cloudflare" "$1" "$here/portal.js" >cloudflare.said <cloudflare.lives &
  # It lives as long as its input is open, which is as long as this script.
  exec 8<>cloudflare.lives
  local line
  read -r line <cloudflare.said || fail "Cloudflare's runtime does not start"
  cloudflare=$(json workers <<<"$line") front=$(json front <<<"$line")
  export ROWKEEP_D1_SECRET=a-secret-of-tests-that-is-long-enough
  export CLOUDFLARE_API_TOKEN=a-token-of-tests CLOUDFLARE_API_BASE_URL=${front}client/v4
}

# json NAME...: what stands there in the object that is read.
json() {
  node -e 'let at = JSON.parse(require("fs").readFileSync(0, "utf8")); for (const name of process.argv.slice(1)) at = at?.[name];
    console.log(at === undefined || at === null ? "" : typeof at === "object" ? JSON.stringify(at) : String(at))' "$@"
}

# run_file FILE: runs the statements of a file in the database of the portal, as `wrangler d1 execute --file` does.
run_file() {
  node -e 'const text = require("fs").readFileSync(process.argv[1], "utf8").replace(/^--.*$/gm, "");
    console.log(JSON.stringify(text.split(/;\s*\n\s*\n/).map((one) => one.trim()).filter(Boolean)))' "$1" |
    curl -sS --fail-with-body --data-binary @- "${front}run/0" || fail "$1 does not run"
}

# d1 STATEMENTS...: runs them in the database of the portal, in one batch, as the portal would.
d1() {
  node -e 'console.log(JSON.stringify(process.argv.slice(1)))' "$@" |
    curl -sS --fail-with-body --data-binary @- "${front}run/0" || fail "D1 refuses it" "$*"
}

# ask QUERY: what `wrangler d1 execute --command` would show, values divided by |.
ask() {
  node -e 'console.log(JSON.stringify({ sql: process.argv[1] }))' "$1" |
    curl -sS --fail-with-body -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" -H 'Content-Type: application/json' --data-binary @- \
      "${front}client/v4/accounts/account/d1/database/00000000-0000-4000-8000-000000000000/raw" |
    node -e 'for (const row of JSON.parse(require("fs").readFileSync(0, "utf8")).result[0].results.rows) console.log(row.join("|"))'
}

# databases: what `wrangler d1 list` would show.
databases() {
  curl -sS --fail-with-body -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" "${front}client/v4/accounts/account/d1/database" |
    node -e 'console.log(JSON.parse(require("fs").readFileSync(0, "utf8")).result.map(({ name }) => name).sort().join(" "))'
}

# visit PATH [METHOD BODY]: what a client of the portal gets. $out is the status and the answer.
visit() {
  out=$(curl -sS -X "${2:-GET}" ${3:+--data-binary "$3"} -w '\n%{http_code}' "${cloudflare}0/app$1")
  out="${out##*$'\n'} ${out%$'\n'*}"
  printf '$ curl %s\n  %s\n' "https://portal.example$1" "$out"
}
