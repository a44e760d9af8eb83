/** The captured states in fixtures/, as files and as bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** A captured state. */
export interface CapturedState {
  /** The fixture, which may be gzipped. */
  readonly path: string;
  /** The bare state, decompressed. */
  readonly bytes: Buffer;
  readonly sha256: string;
}

function captured(name: string): CapturedState {
  const path = fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
  const stored = readFileSync(path);
  const bytes = name.endsWith('.gz') ? gunzipSync(stored) : stored;
  return { path, bytes, sha256: sha256(bytes) };
}

/** The SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A bare device state, as under Xen. */
export const DEVICE_STATE = captured('device-states/pc-minimal.xen.qevm');
/** A device state, gzipped. */
export const GZIPPED_STATE = captured('device-states/pc-e1000-24.xen.qevm.gz');
/** A migration stream with RAM and a description, gzipped. */
export const MIGRATION_STREAM = captured('device-states/pc-ram.description.qevm.gz');
/** A device state from a real stubdom. */
export const XEN_STATE = captured('xen-states/xen-minimal.qevm');
