/*
 * Whether two values are the same to structured clone. It knows nothing of the module that it checks.
 */

const tag = (value) => Object.prototype.toString.call(value);
const NUMERIC = /^\[object (Big)?(Int|Uint|Float)\d+(Clamped)?Array\]$/;

/** Where two values differ first, in words; nothing where they do not. */
export async function difference(one, other) {
  return compare(one, other, 'value', { there: new Map(), back: new Map() });
}

async function compare(one, other, place, met) {
  if (typeof one !== typeof other) return `${place}: ${typeof one} and ${typeof other}`;
  if (typeof one !== 'object' || one === null || other === null) {
    return Object.is(one, other) ? null : `${place}: ${String(one)} and ${String(other)}`;
  }
  if (met.there.has(one) || met.back.has(other)) {
    return met.there.get(one) === other && met.back.get(other) === one ? null : `${place}: the same object elsewhere, or not`;
  }
  met.there.set(one, other);
  met.back.set(other, one);
  if (tag(one) !== tag(other)) return `${place}: ${tag(one)} and ${tag(other)}`;
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return `${place}: of another kind`;
  return await inside(one, other, place, met) ?? names(one, other, place, met);
}

/** What an object has beside its properties. */
async function inside(one, other, place, met) {
  const kind = tag(one);
  const each = (list) => first(list.map((name) => () => compare(one[name], other[name], `${place}.${name}`, met)));
  if (NUMERIC.test(kind) || kind === '[object DataView]') return view(one, other, place, met);
  switch (kind) {
    case '[object Date]': return Object.is(one.getTime(), other.getTime()) ? null : `${place}: another time`;
    case '[object Boolean]':
    case '[object Number]':
    case '[object String]':
    case '[object BigInt]':
      return Object.is(one.valueOf(), other.valueOf()) ? null : `${place}: another value`;
    case '[object RegExp]': return each(['source', 'flags', 'lastIndex']);
    case '[object Map]': return compare([...one].flat(), [...other].flat(), `${place}(entries)`, met);
    case '[object Set]': return compare([...one], [...other], `${place}(values)`, met);
    case '[object Error]': return each(['name', 'message', 'stack', 'cause']);
    case '[object DOMException]': return each(['name', 'message', 'code']);
    case '[object ArrayBuffer]': return buffer(one, other, place);
    case '[object Blob]': return await each(['size', 'type']) ?? content(one, other, place);
    case '[object File]': return await each(['size', 'type', 'name', 'lastModified']) ?? content(one, other, place);
    case '[object FileList]': return compare([...one], [...other], place, met);
    case '[object ImageData]':
      return await each(['width', 'height', 'colorSpace', 'pixelFormat']) ?? bytes(one.data.buffer, other.data.buffer, place);
    case '[object DOMPoint]':
    case '[object DOMRect]':
    case '[object DOMMatrix]':
    case '[object DOMQuad]':
    case '[object DOMPointReadOnly]':
    case '[object DOMRectReadOnly]':
    case '[object DOMMatrixReadOnly]':
      return JSON.stringify(one.toJSON()) === JSON.stringify(other.toJSON()) ? null : `${place}: other numbers`;
    case '[object CryptoKey]': {
      const [a, b] = await Promise.all([one, other].map((key) => crypto.subtle.exportKey('jwk', key)));
      return await each(['type', 'extractable']) ?? (JSON.stringify([a, one.algorithm]) === JSON.stringify([b, other.algorithm]) ? null : `${place}: another key`);
    }
    case '[object Object]':
    case '[object Array]':
      return null;
    default: return `${place}: the checker does not know ${kind}`;
  }
}

async function first(tries) {
  for (const attempt of tries) {
    const found = await attempt();
    if (found !== null) return found;
  }
  return null;
}

/** Own properties, in their order. Elements of views are in their buffers. */
async function names(one, other, place, met) {
  if (ArrayBuffer.isView(one) || tag(one) === '[object String]' || tag(one) === '[object Error]') return null;
  const [mine, theirs] = [Object.keys(one), Object.keys(other)];
  if (JSON.stringify(mine) !== JSON.stringify(theirs)) return `${place}: properties ${mine.slice(0, 9)} and ${theirs.slice(0, 9)}`;
  if (Array.isArray(one) && one.length !== other.length) return `${place}: another length`;
  if (tag(one) === '[object FileList]') return null;
  return first(mine.map((name) => () => compare(one[name], other[name], `${place}.${name}`, met)));
}

async function view(one, other, place, met) {
  if (one.byteOffset !== other.byteOffset || one.byteLength !== other.byteLength) return `${place}: another part of its buffer`;
  const found = await compare(one.buffer, other.buffer, `${place}.buffer`, met);
  if (found !== null || !one.buffer.resizable || one.buffer.byteLength === one.buffer.maxByteLength) return found;
  const size = one.buffer.byteLength;
  for (const each of [one, other]) each.buffer.resize(each.buffer.maxByteLength);
  const isSame = one.byteLength === other.byteLength;
  for (const each of [one, other]) each.buffer.resize(size);
  return isSame ? null : `${place}: one grows with its buffer, the other does not`;
}

function buffer(one, other, place) {
  if (one.resizable !== other.resizable || one.maxByteLength !== other.maxByteLength) return `${place}: other limits`;
  return bytes(one, other, place);
}

function bytes(one, other, place) {
  const [a, b] = [new Uint8Array(one), new Uint8Array(other)];
  return a.length === b.length && a.every((byte, at) => byte === b[at]) ? null : `${place}: other bytes`;
}

async function content(one, other, place) {
  return bytes(await one.arrayBuffer(), await other.arrayBuffer(), place);
}
