// The way of rowkeep to a D1 database: runs statements in it for whoever knows the shared secret.
//
//   POST /   Authorization: Bearer SECRET
//   {"statements": [{"sql": "SELECT ?1 AS v", "params": ["text"]}]}
//   200      {"version": 1, "results": [{"columns": ["v"], "rows": [["text"]], "size": 12288}]}
//
// All statements of a request are one transaction: either all of them have happened or none. Parameters are texts, because
// every number that JavaScript binds becomes a REAL. What a statement returns goes out as D1 gives it to JavaScript, so
// statements ask for values in a form that survives that: rowkeep's do.
//
// Errors are {"version": 1, "error": "..."} with 400 (not understood), 401 (secret), 405, 413 (too long), 422 (D1's own words)
// or 503 (not set up, or D1 asks to try again).
//
// Nothing is logged, stored or sent elsewhere.

const VERSION = 1;

// A secret that can be guessed is none.
const SHORTEST_SECRET = 32;

// What a request may have, so that a mistake does not end the Worker.
const LONGEST_REQUEST = 32 * 1024 * 1024;
const MOST_STATEMENTS = 2000;

// D1's words for what has not happened and may be tried again.
const PASSING = /overloaded|Network connection lost|storage operation exceeded timeout|reset because its code was updated|Cannot resolve D1 DB due to transient issue/i;

export default {
  async fetch(request, env) {
    const secret = env.ROWKEEP_SECRET;
    if (typeof secret !== "string" || secret.length < SHORTEST_SECRET) {
      return failed(503, `ROWKEEP_SECRET is not set, or shorter than ${SHORTEST_SECRET} characters`);
    }
    if (!env.DB || typeof env.DB.prepare !== "function") {
      return failed(503, "there is no D1 binding called DB");
    }
    if (!(await isSecret(request.headers.get("Authorization") ?? "", `Bearer ${secret}`))) {
      return failed(401, "the secret is missing or another");
    }
    if (request.method !== "POST") {
      return failed(405, "statements are sent by POST");
    }
    if (Number(request.headers.get("Content-Length") ?? 0) > LONGEST_REQUEST) {
      return failed(413, `a request has ${LONGEST_REQUEST} bytes at most`);
    }
    let statements;
    try {
      statements = read(await request.json());
    } catch (error) {
      return failed(400, error instanceof Error ? error.message : "the request is not understood");
    }
    try {
      return answer(200, { results: await run(env.DB, statements) });
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      return failed(PASSING.test(said) ? 503 : 422, said);
    }
  },
};

// Takes the same time whatever was sent: what is compared are digests, of one length and not to be foreseen.
async function isSecret(sent, expected) {
  const digest = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const [one, other] = await Promise.all([digest(sent), digest(expected)]);
  let difference = 0;
  for (let at = 0; at < other.length; at++) difference |= one[at] ^ other[at];
  return difference === 0;
}

function read(body) {
  const statements = body?.statements;
  if (!Array.isArray(statements) || statements.length === 0 || statements.length > MOST_STATEMENTS) {
    throw new Error(`"statements" is a list of 1 to ${MOST_STATEMENTS} statements`);
  }
  for (const { sql, params = [] } of statements) {
    if (typeof sql !== "string" || !Array.isArray(params) || params.some((value) => typeof value !== "string")) {
      throw new Error('a statement has "sql", a text, and "params", a list of texts');
    }
  }
  return statements;
}

async function run(database, statements) {
  const prepared = statements.map(({ sql, params = [] }) => {
    const statement = database.prepare(sql);
    return params.length > 0 ? statement.bind(...params) : statement;
  });
  // One statement is one transaction, and gives its columns even where two have one name or there are no rows.
  if (prepared.length === 1) {
    const [columns = [], ...rows] = await prepared[0].raw({ columnNames: true });
    return [{ columns, rows }];
  }
  const results = await database.batch(prepared);
  return results.map(({ results: rows, meta }) => ({
    columns: rows.length > 0 ? Object.keys(rows[0]) : [],
    rows: rows.map((row) => Object.values(row)),
    size: meta?.size_after,
  }));
}

function answer(status, content) {
  return new Response(JSON.stringify({ version: VERSION, ...content }), {
    status,
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
  });
}

function failed(status, error) {
  return answer(status, { error });
}
