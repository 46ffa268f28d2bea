/*
 * Captures and restores apart from the page, which goes on answering meanwhile. It takes messages `{ call, args }` and answers with `{ ready }`,
 * `{ progress }`, and at last `{ result }` or `{ error }`.
 */

import { captureByName } from './capture-to.js';
import { sendable } from './errors.js';
import { restoreFrom } from './restore.js';
import { Watch } from './watch.js';

const stop = new AbortController();

const CALLS = {
  capture: ([name, options], watch) => captureByName(name, options, watch),
  restore: ([name, file, options], watch) => restoreFrom(file, { name }, options, watch),
};

addEventListener('message', async ({ data }) => {
  if (data.stop === true) {
    stop.abort();
    return;
  }
  const watch = new Watch({ onProgress: (progress) => postMessage({ progress }), signal: stop.signal }, false);
  try {
    postMessage({ result: await CALLS[data.call](data.args, watch) });
  } catch (error) {
    postMessage({ error: sendable(error) });
  }
});

postMessage({ ready: true });
