/*
 * Serves the page and drives Chromium by its WebDriver, for run.sh. Each line of the input is a command and its arguments, divided by
 * U+001F; the answer is a line: 0 or 1, as commands end, a space, and what it gives. Nothing but Node itself is needed.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
const READY = "document.title.endsWith('ready')";
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json' };
const PAGE_FILES = ['index.html', 'app.js', 'database.js', 'settings.json'];

async function asked(method, address, body) {
  const answer = await fetch(address, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(value.message);
  return value;
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, 50); });
const element = async (session, selector) => (await asked('POST', `${session}/element`, { using: 'css selector', value: selector }))[ELEMENT];
const cdp = (session, cmd, params) => asked('POST', `${session}/goog/cdp/execute`, { cmd, params });

/** Waits until something in the page is so, for half a minute. */
async function until(session, expression, what) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await asked('POST', `${session}/execute/sync`, { script: `return ${expression}`, args: [] })) return;
    await pause();
  }
  throw new Error(`${what}: ${await asked('POST', `${session}/execute/sync`, { script: 'return document.body.innerText', args: [] })}`);
}

const COMMANDS = {
  /** Serves the page from a folder; gives where. */
  serve: (folder) => new Promise((resolve) => {
    const server = createServer(async ({ url }, answer) => {
      const file = url === '/' ? 'index.html' : url.slice(1);
      const content = PAGE_FILES.includes(file) ? await readFile(join(folder, file)).catch(() => null) : null;
      answer.writeHead(content === null ? 404 : 200, { 'content-type': KINDS[extname(file)] ?? 'text/plain' });
      answer.end(content ?? '');
    });
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  }),

  /** Opens a browser with a profile, which is a device; gives its session. */
  async open(driver, profile, downloads) {
    const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=en', `--user-data-dir=${profile}`];
    const prefs = { 'download.default_directory': downloads, 'download.prompt_for_download': false, 'profile.default_content_setting_values.automatic_downloads': 1 };
    const wanted = { 'goog:chromeOptions': { args, prefs }, timeouts: { script: 120_000 } };
    const { sessionId } = await asked('POST', `${driver}/session`, { capabilities: { alwaysMatch: wanted } });
    return `${driver}/session/${sessionId}`;
  },

  async go(session, address) {
    await asked('POST', `${session}/url`, { url: address });
    await until(session, READY, 'the page does not get ready');
  },
  async reload(session) {
    await asked('POST', `${session}/refresh`, {});
    await until(session, READY, 'the page does not get ready');
  },

  /** Calls a function of the page with values of JSON; gives what it gives. */
  async call(session, name, ...args) {
    const script = 'return (async () => app[arguments[0]](...arguments[1]))()'
      + '.then((value) => ({ value: JSON.stringify(value ?? null) }), ({ code, name, message }) => ({ failed: `${typeof code === "string" ? code : name}: ${message}` }))';
    const { value, failed } = await asked('POST', `${session}/execute/sync`, { script, args: [name, args.map((text) => JSON.parse(text))] });
    if (failed !== undefined) throw new Error(failed);
    return value;
  },

  /** Chooses a file in the page, as a person does. */
  async choose(session, path) {
    await asked('POST', `${session}/execute/sync`, { script: "document.getElementById('file').value = ''", args: [] });
    await asked('POST', `${session}/element/${await element(session, '#file')}/value`, { text: path });
  },
  click: async (session, selector) => { await asked('POST', `${session}/element/${await element(session, selector)}/click`, {}); },
  type: async (session, selector, text) => { await asked('POST', `${session}/element/${await element(session, selector)}/value`, { text }); },
  said: (session, text) => until(session, `document.getElementById('said').textContent.includes(${JSON.stringify(text)})`, `the page does not say "${text}"`),

  /** Answers yes to what the page asks, once it does; gives the question. */
  async yes(session) {
    for (let tries = 0; ; tries += 1) {
      const question = await asked('GET', `${session}/alert/text`).catch((error) => {
        if (tries > 600) throw error;
      });
      if (question !== undefined) {
        await asked('POST', `${session}/alert/accept`, {});
        return question;
      }
      await pause();
    }
  },

  /** Removes whatever the browser has of a site: databases, files, settings. */
  async clear(session, origin) {
    await cdp(session, 'Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  },
  close: (session) => asked('DELETE', session),

  /** What stands at a place in JSON; nothing where there is nothing. */
  async field(json, ...path) {
    const found = path.reduce((value, name) => value?.[name], JSON.parse(json));
    return typeof found === 'object' && found !== null ? JSON.stringify(found) : found ?? '';
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split('\u001f');
  try {
    console.log(`0 ${await COMMANDS[command](...args) ?? ''}`);
  } catch (error) {
    console.log(`1 ${error.message.replaceAll(/\s+/g, ' ')}`);
  }
}
process.exit();
