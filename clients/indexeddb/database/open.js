/*
 * Connections to databases that are found by name.
 */

import { RowkeepError, explained } from '../errors.js';

/** Whether `upgradeneeded` of an opened request means that there was no such database. */
const isNew = (event) => event.oldVersion === 0;

/** Opens a database that exists; gives nothing, and makes nothing, where there is none. */
export function openExisting(name, factory = indexedDB) {
  return new Promise((resolve, reject) => {
    let isMissing = false;
    const request = factory.open(name);
    request.onupgradeneeded = (event) => {
      isMissing = isNew(event);
      request.transaction.abort();
    };
    request.onsuccess = () => {
      // An upgrade elsewhere needs not to wait for more than the transactions that are under way.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = (event) => {
      event.preventDefault();
      if (isMissing) resolve(null);
      else reject(explained(request.error, `the database ${name} cannot be opened`));
    };
  });
}

/**
 * Makes a database, whole or not at all: `fill(db, transaction)` runs within the transaction that makes it.
 */
export function create(name, version, fill, factory = indexedDB) {
  return new Promise((resolve, reject) => {
    let failure;
    const request = factory.open(name, version);
    request.onupgradeneeded = (event) => {
      const { transaction } = request;
      Promise.resolve()
        .then(() => {
          if (isNew(event)) return fill(request.result, transaction);
          throw new RowkeepError('schema-changed', `the database ${name} was made by somebody else meanwhile; do it again`);
        })
        .catch((error) => {
          failure = error;
          try {
            transaction.abort();
          } catch {
            // What failed has ended it.
          }
        });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = (event) => {
      event.preventDefault();
      reject(failure ?? request.error);
    };
  });
}
