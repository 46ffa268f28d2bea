/*
 * Values that JSON holds exactly as they are. Most records are such, and `JSON.stringify` writes them faster than anything else.
 */

/** Whether JSON holds a value exactly: no value of a kind that it lacks, no object in two places, no hole, no `$`. */
export function isPlain(value) {
  // A page may have given all objects a `toJSON`, as some old libraries do.
  if ('toJSON' in Object.prototype || 'toJSON' in Array.prototype) return false;
  const seen = new Set();
  // Values may be nested deeper than calls can be.
  const left = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'object' && next !== null) {
      if (seen.has(next) || !takeApart(next, left)) return false;
      seen.add(next);
    } else if (!isPlainPrimitive(next)) {
      return false;
    }
  }
  return true;
}

function isPlainPrimitive(value) {
  switch (typeof value) {
    case 'number': return Number.isFinite(value) && !Object.is(value, -0);
    case 'string':
    case 'boolean':
      return true;
    default: return value === null;
  }
}

/** Adds what is in an object or a list to what is left, if it is such as JSON has. */
function takeApart(object, left) {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === Array.prototype) {
    if (!isDense(object)) return false;
    for (const value of object) left.push(value);
    return true;
  }
  if (prototype !== Object.prototype) return false;
  for (const name of Object.keys(object)) {
    if (name === '$') return false;
    left.push(object[name]);
  }
  return true;
}

/** Whether an array has no holes and no properties but its elements. */
export function isDense(array) {
  const names = Object.keys(array);
  // Indices come first and in order, so that the last name tells of all.
  return names.length === array.length && (names.length === 0 || names[names.length - 1] === String(names.length - 1));
}
