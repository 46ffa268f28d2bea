/*
 * Values that JSON holds as they are, but for some that have a form of their own. Most records are such, and `JSON.stringify` writes them
 * faster than anything else.
 */

/** What is no such value. */
export const NOT_PLAIN = Symbol('not plain');

/** More than any record has that people made; calls can be nested some thousand times deeper. */
const DEEPEST = 64;

/**
 * A value as JSON holds it, with forms in the places of dates and of primitive values that JSON lacks; `NOT_PLAIN` for one that holds
 * anything else: a value of another kind, an object in two places, a hole, a `$`. What needs no form is not copied.
 */
export function plain(value) {
  // A page may have given all objects a `toJSON`, as some old libraries do.
  if ('toJSON' in Object.prototype || 'toJSON' in Array.prototype) return NOT_PLAIN;
  return typeof value === 'object' && value !== null ? tree(value, new Set(), 0) : primitive(value);
}

/** A number as JSON has it, or its form where JSON has none. */
export function number(value) {
  if (Object.is(value, -0)) return { $: 'number', value: '-0' };
  return Number.isFinite(value) ? value : { $: 'number', value: String(value) };
}

/** The form of a date. */
export function date(value) {
  return { $: 'date', value: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() };
}

function primitive(value) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number': return number(value);
    case 'bigint': return { $: 'bigint', value: String(value) };
    case 'undefined': return { $: 'undefined' };
    default: return value === null ? null : NOT_PLAIN;
  }
}

function tree(object, seen, depth) {
  if (depth > DEEPEST || seen.has(object)) return NOT_PLAIN;
  seen.add(object);
  const prototype = Object.getPrototypeOf(object);
  if (prototype === Date.prototype) return date(object);
  const isArray = prototype === Array.prototype;
  if (isArray ? !isDense(object) : prototype !== Object.prototype) return NOT_PLAIN;
  let made = object;
  for (const name of isArray ? object.keys() : Object.keys(object)) {
    // Assigned to a copy, the second would be no property.
    if (name === '$' || name === '__proto__') return NOT_PLAIN;
    const value = object[name];
    const form = typeof value === 'object' && value !== null ? tree(value, seen, depth + 1) : primitive(value);
    if (form === NOT_PLAIN) return NOT_PLAIN;
    if (form === value) continue;
    if (made === object) made = isArray ? object.slice() : { ...object };
    made[name] = form;
  }
  return made;
}

/** Whether an array has no holes and no properties but its elements. */
export function isDense(array) {
  const names = Object.keys(array);
  // Indices come first and in order, so that the last name tells of all.
  return names.length === array.length && (names.length === 0 || names[names.length - 1] === String(names.length - 1));
}
