/*
 * A call in a worker of its own, from the page's side.
 */

import { RowkeepError, received } from './errors.js';

/** What says that no worker could be had, which a site's Content-Security-Policy may be the reason of. */
export class NoWorker extends Error {}

/**
 * A worker of this module. Where the module came from another site, a worker of the page's own loads it from there.
 */
function start() {
  const address = new URL('./worker.js', import.meta.url);
  if (address.origin === globalThis.location?.origin) return { worker: new Worker(address, { type: 'module' }), release: () => {} };
  const own = URL.createObjectURL(new Blob([`import ${JSON.stringify(address.href)};`], { type: 'text/javascript' }));
  return { worker: new Worker(own, { type: 'module' }), release: () => URL.revokeObjectURL(own) };
}

/** Runs `capture` or `restore` in a worker; fails with `NoWorker` where that cannot be. */
export function inWorker(call, args, { onProgress, signal }, transfer = []) {
  return new Promise((resolve, reject) => {
    let started;
    try {
      started = start();
    } catch (error) {
      reject(new NoWorker(error.message));
      return;
    }
    const { worker, release } = started;
    let isReady = false;
    const stop = () => worker.postMessage({ stop: true });
    const end = (settle, value) => {
      release();
      signal?.removeEventListener('abort', stop);
      worker.terminate();
      settle(value);
    };
    worker.onmessage = ({ data }) => {
      if (data.ready === true) {
        isReady = true;
        signal?.addEventListener('abort', stop);
        try {
          worker.postMessage({ call, args }, transfer);
        } catch (error) {
          // A stream, say, that this browser hands to no worker.
          end(reject, new NoWorker(error.message));
          return;
        }
        if (signal?.aborted) stop();
      } else if (data.progress !== undefined) {
        onProgress?.(data.progress);
      } else if (data.error !== undefined) {
        end(reject, received(data.error));
      } else {
        end(resolve, data.result);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end(reject, isReady ? new RowkeepError('failed', `the worker ended: ${event.message}`) : new NoWorker(event.message));
    };
  });
}
