// D1 as tests use it: the real workerd with the Worker that is shipped, and a stand-in for Cloudflare's REST API before the same databases.
//
//   node server.mjs MINIFLARE WORKER FOLDER COUNT|NAME,… [APPLICATION]      prints {"workers": URL, "front": URL}, lives as long as its standard input
//
//   WORKERS/N                              the shipped Worker, as it is, bound to database N
//   WORKERS/N/app/…                        the Worker of an application (its default export), with DB, a bucket DOCUMENTS, and its secrets
//   WORKERS/secrets/NAME                   puts a secret of the application, as `wrangler secret put` does
//   FRONT/N                                the same, through faults
//   FRONT/client/v4/accounts/A/d1/database REST API: list, create, ID/raw, delete ID; the ID of database N ends with N
//   FRONT/run/N                            runs a list of statements as an application does, one batch
//   FRONT/faults/N                         how the next answers for database N are to fail, of either way: a list of
//                                          429, 503, "cut" (in the middle), "gone" (no answer, though it was done), or null (not);
//                                          or {when: TEXT, fault}: how that of the next request with this text is

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const [miniflare, worker, folder, count, application] = process.argv.slice(2);
const { Miniflare } = await import(pathToFileURL(miniflare).href);

const SECRET = "a-secret-of-tests-that-is-long-enough";
const TOKEN = "a-token-of-tests";
const id = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
// Databases that are there when they are made.
const SPARE = 20;
const named = /^[0-9]+$/.test(count) ? [...Array(Number(count)).keys()].map((number) => `shop-${number}`) : count.split(",");
const numbers = [...Array(named.length + SPARE).keys()];
// What databases are called; those that are not there have no name.
const names = new Map(named.entries());
const spare = numbers.slice(-SPARE);

// Chooses the database by the path; all else is the shipped Worker's. And what the stand-in for the REST API needs.
const chooser = `
import shipped from "./shipped.js";
import application from "./application.js";
const secrets = {};
export default {
  async fetch(request, env) {
    const [, number, inner, ...rest] = new URL(request.url).pathname.split("/");
    if (number === "secrets") {
      secrets[inner] = await request.text();
      return new Response("");
    }
    const DB = env["DB" + number];
    if (!DB) return new Response("no such database", { status: 404 });
    if (inner === undefined) return shipped.fetch(request, { DB, ROWKEEP_SECRET: env.ROWKEEP_SECRET });
    if (inner === "app") {
      const inside = new Request(new URL("/" + rest.join("/"), request.url), request);
      return application.fetch(inside, { DB, DOCUMENTS: env.DOCUMENTS, ...secrets });
    }
    const asked = await request.json();
    try {
      if (inner === "run") {
        await DB.batch(asked.map((sql) => DB.prepare(sql)));
        return Response.json({});
      }
      const statement = asked.params?.length ? DB.prepare(asked.sql).bind(...asked.params) : DB.prepare(asked.sql);
      const { results, meta } = await statement.all();
      const columns = results.length > 0 ? Object.keys(results[0]) : [];
      return Response.json({ columns, rows: results.map((row) => Object.values(row)), size_after: meta.size_after });
    } catch (error) {
      return Response.json({ error: String(error.message).replace(/^D1_ERROR: /, "") });
    }
  },
};`;

const simulator = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: [
    { type: "ESModule", path: "chooser.js", contents: chooser },
    { type: "ESModule", path: "shipped.js", contents: readFileSync(worker, "utf8") },
    { type: "ESModule", path: "application.js", contents: application ? readFileSync(application, "utf8") : "export default {};" },
  ],
  compatibilityDate: "2026-04-01",
  bindings: { ROWKEEP_SECRET: SECRET },
  d1Databases: Object.fromEntries(numbers.map((number) => [`DB${number}`, id(number)])),
  d1Persist: folder,
  r2Buckets: ["DOCUMENTS"],
});
const workers = await simulator.ready;

const faults = new Map();

// Brings a fault that waits for a request to the front when that is it.
function meet(number, body) {
  const waiting = faults.get(number);
  if (waiting && !Array.isArray(waiting) && body.includes(waiting.when)) faults.set(number, [waiting.fault].flat());
}
const nextFault = (number) => (Array.isArray(faults.get(number)) ? faults.get(number) : undefined);
// What somebody else does just before a request.
async function meanwhile(number) {
  if (nextFault(number)?.[0]?.run) await inWorkerd(number, "/run", JSON.stringify(nextFault(number).shift().run));
}
const inWorkerd = (number, rest, body, headers) =>
  fetch(new URL(`/${number}${rest}`, workers), { method: "POST", body, headers });

function answered(response, number, status, text, headers = {}) {
  const fault = status < 300 ? nextFault(number)?.shift() : undefined;
  if (fault === "gone" || fault === "lost") return response.destroy();
  if (fault === "cut") {
    const bytes = Buffer.from(text);
    response.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    return;
  }
  if (fault === 429) {
    response.writeHead(429, { "Retry-After": "0" });
    return response.end("slow down");
  }
  if (fault === "refused") {
    response.writeHead(403);
    return response.end("<html>not now</html>");
  }
  if (fault === 503) {
    response.writeHead(503);
    return response.end("<html>unavailable</html>");
  }
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(text);
}

// Faults that say that nothing was done, and requests that are lost, have to come before anything is.
const isBefore = (number) => [429, 503, "refused", "lost"].includes(nextFault(number)?.[0]);

const failed = (code, message) => JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null });
const succeeded = (result) => JSON.stringify({ success: true, errors: [], messages: [], result });

async function api(request, response, path, body) {
  if (request.headers.authorization !== `Bearer ${TOKEN}`) {
    return answered(response, -1, 401, failed(10000, "Authentication error"));
  }
  const [, , , , account, , , database, verb] = path.split("/");
  if (account !== "account") return answered(response, -1, 403, failed(7403, "The given account is not valid"));
  if (database === undefined && request.method === "POST") {
    const { name } = JSON.parse(body);
    if ([...names.values()].includes(name)) return answered(response, -1, 400, failed(7502, `Database ${name} already exists`));
    const made = spare.shift();
    names.set(made, name);
    return answered(response, -1, 200, succeeded({ uuid: id(made), name }));
  }
  if (database === undefined) {
    const wanted = new URL(request.url, "http://front").searchParams.get("name");
    const all = [...names].map(([number, name]) => ({ uuid: id(number), name }));
    return answered(response, -1, 200, succeeded(all.filter(({ name }) => !wanted || name.includes(wanted))));
  }
  const number = [...names.keys()].find((number) => id(number) === database);
  if (number === undefined) return answered(response, -1, 404, failed(7404, "The database could not be found"));
  if (request.method === "DELETE") {
    names.delete(number);
    return answered(response, -1, 200, succeeded(null));
  }
  meet(number, body);
  await meanwhile(number);
  if (verb !== "raw") return answered(response, number, 404, failed(7000, "No route for that URI"));
  if (isBefore(number)) return answered(response, number, 200, "");
  const asked = JSON.parse(body);
  const params = asked.params ?? [];
  if (typeof asked.sql !== "string" || !Array.isArray(params) || params.some((value) => typeof value !== "string")) {
    return answered(response, number, 400, failed(10001, "Invalid input"));
  }
  const done = await (await inWorkerd(number, "/one", body)).json();
  if (done.error !== undefined) return answered(response, number, 500, failed(10001, done.error));
  const { columns, rows, size_after } = done;
  answered(response, number, 200, succeeded([{ results: { columns, rows }, success: true, meta: { size_after } }]));
}

const front = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts).toString();
  const path = new URL(request.url, "http://front").pathname;
  try {
    const [, first, second] = path.split("/");
    if (first === "client") return await api(request, response, path, body);
    if (first === "run") {
      const done = await (await inWorkerd(second, "/run", body)).json();
      response.writeHead(done.error === undefined ? 200 : 422);
      return response.end(done.error ?? "");
    }
    if (first === "faults") {
      faults.set(Number(second), JSON.parse(body));
      return response.end();
    }
    const number = Number(first);
    meet(number, body);
    await meanwhile(number);
    if (isBefore(number)) return answered(response, number, 200, "");
    const { authorization = "" } = request.headers;
    const answer = await inWorkerd(number, "", body, { authorization, "content-type": "application/json" });
    answered(response, number, answer.status, await answer.text());
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  }
});
front.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ workers: workers.href, front: `http://127.0.0.1:${front.address().port}/` }));
});

// Whoever started this is gone, and so is this.
process.stdin.resume();
process.stdin.on("end", async () => {
  await simulator.dispose();
  process.exit(0);
});
