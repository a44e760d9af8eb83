/** Limits of the QEVM reader: what a state declares is checked against these before anything is allocated. */
const MiB = 1024 * 1024;

export const QEVM_LIMITS = {
  /** Bytes from the first device section to the end of the state; the only part that is kept in memory. */
  deviceBytes: 256 * MiB,
  /** Sections of a state. A migration that takes two hours has 144,000 of RAM: one in 50 ms. */
  sections: 1 << 18,
  /** Places in the device part that look like the header of a section. Real states have at most one for each section. */
  candidates: 1 << 14,
  /** So many of them are looked at as the section before another one: time is this times `candidates`. */
  candidatesBack: 256,
  /** Blocks of RAM. */
  ramBlocks: 4096,
  /** Bytes of a command's data: what its length can say. */
  commandBytes: 0xffff,
  /** Capabilities in the configuration; QEMU 7.2 has 22. */
  capabilities: 256,
  /** The JSON description. QEMU's own reader looks at the last 10 MiB; 7.2 has been seen to use 14 levels. */
  description: { bytes: 16 * MiB, depth: 64, values: 2_000_000 },
  /** What `-dump-vmstate` writes: 790 KB, 16 levels and 17,000 values of QEMU 7.2 for x86_64. */
  dump: { bytes: 64 * MiB, depth: 256, values: 4_000_000 },
  /** Fields of one section once its arrays are unfolded, where they are shown or compared. An e1000 has 33,000. */
  fields: 1_000_000,
  /** The same of all sections together, which are only counted. */
  stateFields: 16_000_000,
  /** Steps in which all sections are checked against the description: one for each field, and for each element that may have subsections. */
  checkSteps: 2_000_000,
} as const;
