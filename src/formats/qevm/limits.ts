/** Limits of the QEVM reader. */
const MiB = 1024 * 1024;

/** The reader checks what a state declares against these limits before it allocates memory. */

export const QEVM_LIMITS = {
  /** Bytes from the first device section to the end of the state. The reader keeps only these in memory. */
  deviceBytes: 256 * MiB,
  /** Sections of a state. A migration that takes two hours has 144,000 sections of RAM: one every 50 ms. */
  sections: 1 << 18,
  /**
   * Offsets in the device sections that look like the header of a section. Real states have at most one such offset for
   * each section.
   */
  candidates: 1 << 14,
  /**
   * Candidates that are considered as the predecessor of another one. The time of the search is proportional to this
   * number times `candidates`.
   */
  candidatePredecessors: 256,
  /** Blocks of RAM. */
  ramBlocks: 4096,
  /** Bytes of a command's data: the largest value of its length field. */
  commandBytes: 0xffff,
  /** Capabilities in the configuration; QEMU 7.2 has 22. */
  capabilities: 256,
  /** The JSON description. QEMU's own reader searches the last 10 MiB; 14 levels were seen in states of QEMU 7.2. */
  description: { bytes: 16 * MiB, depth: 64, values: 2_000_000 },
  /** The output of `-dump-vmstate`. QEMU 7.2 for x86_64 writes 790 KB with 16 levels and 17,000 values. */
  dump: { bytes: 64 * MiB, depth: 256, values: 4_000_000 },
  /** Fields of one section that is shown or compared, with each array element counted. An e1000 has 33,000. */
  fields: 1_000_000,
  /** Fields of all sections together, with each array element counted. They are counted, but not kept. */
  stateFields: 16_000_000,
  /**
   * Steps of the check of all sections against the description: one for each field, and one for each array element that
   * may have subsections.
   */
  checkSteps: 2_000_000,
} as const;
