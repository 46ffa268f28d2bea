/*
 * What a file is, by how it begins.
 */

import { RowkeepError } from '../errors.js';
import { texts } from './bytes.js';
import { NdjsonFile } from './ndjson-read.js';
import { FORMAT } from './ndjson-write.js';
import { PrnFile } from './prn-read.js';
import { scan } from './json-scan.js';

/** Opens a file of either form, packed or not. */
export async function openFile(file) {
  const header = await firstLine(file);
  if (header?.format === FORMAT) return new NdjsonFile(file, header);
  for await (const { name, value, list } of scan(texts(file), 'data')) {
    if (name === 'metadata') return new PrnFile(file, value ?? {});
    // Rows may stand before what says whose they are.
    if (list !== undefined) return new PrnFile(file, {});
  }
  throw new RowkeepError('not-a-state', 'the file is neither a state of this module nor a backup of Phone Range Nexus: it has neither `metadata` nor `data`');
}

/** What the first line says, where it is JSON of its own. */
async function firstLine(file) {
  let text = '';
  for await (const piece of texts(file)) {
    text += piece;
    const end = text.indexOf('\n');
    if (end === -1 && text.length < 16 * 1024 * 1024) continue;
    text = end === -1 ? text : text.slice(0, end);
    break;
  }
  if (text.trim() === '') throw new RowkeepError('not-a-state', 'the file is empty');
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
