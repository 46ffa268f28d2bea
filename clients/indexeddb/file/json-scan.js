/*
 * A document of JSON piece by piece: the members of its object, and the elements of the lists of one of them, each as text.
 */

import { RowkeepError } from '../errors.js';

const QUOTE = 34;
const BACKSLASH = 92;
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COLON, COMMA] = [123, 125, 91, 93, 58, 44];
const isSpace = (code) => code === 32 || code === 10 || code === 13 || code === 9;

/** Characters of a text that comes in pieces. */
class Characters {
  #pieces;
  #text = '';
  #at = 0;

  constructor(pieces) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The code of the next character that is no white space, which stays; it refuses an end. */
  async peek() {
    for (;;) {
      while (this.#at < this.#text.length && isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
      if (this.#at < this.#text.length) return this.#text.charCodeAt(this.#at);
      if (!await this.#more()) throw damaged('it ends in the middle');
    }
  }

  /** Passes over a character. */
  async take(code) {
    const found = await this.peek();
    if (found !== code) {
      throw damaged(`there is ${JSON.stringify(String.fromCharCode(found))} where ${JSON.stringify(String.fromCharCode(code))} is expected`);
    }
    this.#at += 1;
  }

  /** A whole value as text. */
  async value() {
    await this.peek();
    let text = '';
    let depth = 0;
    let isText = false;
    let isEscaped = false;
    for (;;) {
      const from = this.#at;
      while (this.#at < this.#text.length) {
        const code = this.#text.charCodeAt(this.#at);
        if (isText) {
          if (isEscaped) isEscaped = false;
          else if (code === BACKSLASH) isEscaped = true;
          else if (code === QUOTE) isText = false;
        } else if (depth === 0 && (code === COMMA || code === CLOSE || code === CLOSE_LIST || code === COLON)) {
          return text + this.#text.slice(from, this.#at);
        } else if (code === QUOTE) {
          isText = true;
        } else if (code === OPEN || code === OPEN_LIST) {
          depth += 1;
        } else if (code === CLOSE || code === CLOSE_LIST) {
          depth -= 1;
        }
        this.#at += 1;
      }
      text += this.#text.slice(from);
      if (!await this.#more()) throw damaged('it ends in the middle');
    }
  }

  /** Whether nothing but white space follows. */
  async isEnded() {
    for (;;) {
      if (this.#text.slice(this.#at).trim() !== '') return false;
      if (!await this.#more()) return true;
    }
  }

  async #more() {
    const { done, value } = await this.#pieces.next();
    this.#text = done ? '' : value;
    this.#at = 0;
    return !done;
  }
}

function damaged(what) {
  return new RowkeepError('damaged', `the file is no whole JSON: ${what}. Take another copy of it, or an earlier one`);
}

/** Parses a text of the document. */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(`${error.message}`);
  }
}

/**
 * Gives the members of a document as they come: `{ name, value }`; for the member `lists`, instead `{ list }` for each list that
 * begins, `{ list, element }` for each of its elements as text, and `{ list, ended: true }`.
 */
export async function* scan(pieces, lists) {
  const characters = new Characters(pieces);
  for await (const name of names(characters)) {
    if (name !== lists) {
      yield { name, value: parsed(await characters.value()) };
      continue;
    }
    for await (const list of names(characters)) {
      yield { list };
      await characters.take(OPEN_LIST);
      let goesOn = await characters.peek() !== CLOSE_LIST;
      while (goesOn) {
        yield { list, element: (await characters.value()).trimEnd() };
        goesOn = await characters.peek() === COMMA;
        if (goesOn) await characters.take(COMMA);
      }
      await characters.take(CLOSE_LIST);
      yield { list, ended: true };
    }
  }
  if (!await characters.isEnded()) throw damaged('something follows its end');
}

/** The names of the members of an object; whoever takes one reads its value before the next. */
async function* names(characters) {
  await characters.take(OPEN);
  let goesOn = await characters.peek() !== CLOSE;
  while (goesOn) {
    const name = parsed(await characters.value());
    if (typeof name !== 'string') throw damaged('the name of a member is no text');
    await characters.take(COLON);
    yield name;
    goesOn = await characters.peek() === COMMA;
    if (goesOn) await characters.take(COMMA);
  }
  await characters.take(CLOSE);
}
