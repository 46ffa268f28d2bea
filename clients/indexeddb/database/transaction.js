/*
 * Requests and transactions of IndexedDB as promises.
 *
 * A transaction ends by itself as soon as it has no request left when control returns to the browser. What follows an `await` of a
 * request still runs within it; what follows any other `await` does not, unless that was held by `hold`.
 */

/** What a request gives. */
export function result(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}

/** Resolves when all that a transaction wrote is kept, and not before; a request that succeeded says nothing of that. */
export function committed(transaction) {
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException('The transaction was aborted.', 'AbortError'));
  });
  // Who waits for it comes later.
  ended.catch(() => {});
  return ended;
}

/**
 * Waits for something else without letting a transaction end: it is kept busy by requests that cost next to nothing, and what follows
 * runs within the answer to one of them.
 */
export function hold(store, promise) {
  let state = 'waits';
  let value;
  promise.then(
    (given) => { [state, value] = ['is there', given]; },
    (error) => { [state, value] = ['failed', error]; },
  );
  return new Promise((resolve, reject) => {
    const ask = () => {
      // No record has an empty list as its key but one that somebody made to have it, which is as good.
      const request = store.getKey([]);
      request.onsuccess = () => {
        if (state === 'waits') ask();
        else if (state === 'failed') reject(value);
        else resolve(value);
      };
      request.onerror = () => reject(request.error);
    };
    try {
      ask();
    } catch (error) {
      reject(error);
    }
  });
}

/** Ends a transaction as if it had never been, unless it has ended already. */
export function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // It has ended.
  }
}
