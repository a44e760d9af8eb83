export { allInMemory, copyAll } from './copy.js';
export { replaceEmulator, type SaveFile } from './replace-emulator.js';
export { type StatefileToWrite, writeStatefile } from './write-statefile.js';
export { writeWhole } from './write-whole.js';
