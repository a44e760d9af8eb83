/** Every captured state, with the facts in its manifest. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** A captured state. */
export interface KnownState {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  /** The sections that QEMU's own reader found: `id name instance version`. Undefined for the states from Xen. */
  readonly sections?: readonly string[];
  readonly kind: 'device-state' | 'migration-stream';
  readonly footers: boolean;
  readonly description: boolean;
  readonly configuration: boolean;
  readonly machine: string;
}

const FIXTURES = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

/** Reads a file in fixtures/. It decompresses the file if its name ends in `.gz`. */
export function fixtureBytes(file: string): Buffer {
  const stored = readFileSync(`${FIXTURES}${file}`);
  return file.endsWith('.gz') ? gunzipSync(stored) : stored;
}

function jsonOf<T>(file: string): T {
  return JSON.parse(fixtureBytes(file).toString()) as T;
}

const XEN_SHAPE = {
  kind: 'device-state',
  footers: false,
  description: false,
  configuration: false,
  machine: '',
} as const;

/** The states in fixtures/manifest.json. */
export const CAPTURED: readonly KnownState[] = jsonOf<KnownState[]>('manifest.json');
/** The states in fixtures/xen-states/manifest.json. */
export const FROM_XEN: readonly KnownState[] = jsonOf<KnownState[]>('xen-states/manifest.json').map((state) => {
  return { ...state, ...XEN_SHAPE, file: `xen-states/${state.file}` };
});
export const ALL_STATES: readonly KnownState[] = [...CAPTURED, ...FROM_XEN];

/** Reads the state with that name. */
export function capturedState(name: string): Buffer {
  const state = ALL_STATES.find((candidate) => candidate.name === name);
  if (state === undefined) throw new Error(`no fixture is called ${name}`);
  return fixtureBytes(state.file);
}
