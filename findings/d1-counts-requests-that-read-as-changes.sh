#!/usr/bin/env bash
# D1 of workerd 1.20260426.1 (in miniflare 4.20260426.0 of npm): every request to a database that only reads adds one to SQLite's own counter of changed rows.
# total_changes() counts the rows that a connection inserted, changed or deleted, D1 has one connection to a database and allows the function, so two equal
# answers would say that nobody changed a row in between. They are never equal: each request adds one, although no table that can be seen has changed and the
# answer itself says so (`meta.changes` 0, `meta.changed_db` false). The statements of one batch are one request and see one number. Whoever looks for other
# writers by this counter has to subtract the requests of all readers, his own among them.
# Fails if requests that read are no longer counted, or those of a batch one by one. Wants Node 20 and npm; seen on 2026-11-30.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund miniflare@4.20260426.0 >/dev/null
cat >run.mjs <<'JS'
import { Miniflare } from "miniflare";
const miniflare = new Miniflare({
  modules: true,
  script: "export default { fetch() { return new Response() } }",
  d1Databases: { DB: "00000000-0000-0000-0000-000000000001" },
});
const db = await miniflare.getD1Database("DB");
await db.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
const counted = async () => {
  const { results, meta } = await db.prepare("SELECT total_changes() AS n").run();
  return [results[0].n, meta.changes, meta.changed_db];
};
const answers = [];
for (let at = 0; at < 4; at += 1) answers.push(await counted());
const batch = await db.batch([1, 2, 3].map(() => db.prepare("SELECT total_changes() AS n")));
const numbers = answers.map(([n]) => n - answers[0][0]);
console.log("requests:", numbers.join(" "));
console.log("said:", answers.map(([, changes, changed]) => `${changes}/${changed}`).join(" "));
console.log("batch:", new Set(batch.map(({ results }) => results[0].n)).size);
await miniflare.dispose();
JS
node run.mjs | tee seen
diff - seen <<'SEEN'
requests: 0 1 2 3
said: 0/false 0/false 0/false 0/false
batch: 1
SEEN
