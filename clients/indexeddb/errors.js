/**
 * What a caller can act on.
 *
 * `code` says what happened and never changes its meaning; `message` says it to a person, and what to do next; `details` has
 * the store, the key and the like where there are any.
 */
export class RowkeepError extends Error {
  constructor(code, message, details = {}, cause = undefined) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RowkeepError';
    this.code = code;
    this.details = details;
  }
}

/** Makes an error again that another thread sent. */
export function received({ code, message, details, name }) {
  if (code !== undefined) return new RowkeepError(code, message, details);
  return Object.assign(new Error(message), { name });
}

/** An error as something that can be sent to another thread. */
export function sendable(error) {
  const { code, message, details, name } = error;
  return error instanceof RowkeepError ? { code, message, details, name } : { message: String(message ?? error), name };
}

/** What went wrong in the browser, in words that say what to do next. */
export function explained(error, what) {
  if (error instanceof RowkeepError) return error;
  switch (error?.name) {
    case 'QuotaExceededError':
      return new RowkeepError('no-space', `${what}: the browser has no space left for this site; nothing was changed. Free space on the `
        + 'device, or remove data of this site that is not needed, and do it again', {}, error);
    case 'AbortError':
      return new RowkeepError('aborted', `${what}: it was ended before it was done; nothing was changed`, {}, error);
    case 'VersionError':
      return new RowkeepError('newer-database', `${what}: the database here is of a newer version than that; reload the page`, {}, error);
    case 'InvalidStateError':
      return new RowkeepError('database-closed', `${what}: the connection to the database was closed meanwhile, as an upgrade in another `
        + 'tab does; nothing was changed. Do it again', {}, error);
    default:
      return new RowkeepError('failed', `${what}: ${error?.message ?? error}`, {}, error);
  }
}
