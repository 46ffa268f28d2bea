/** What files of this module say that made them: its name, and the version in package.json. */
export const PROGRAM = 'rowkeep indexeddb 0.1.0';
