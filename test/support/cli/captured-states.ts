/** Captured states from fixtures/, as files and as bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

export interface CapturedState {
  readonly path: string;
  /** The bare state. */
  readonly bytes: Buffer;
  readonly sha256: string;
}

function captured(name: string): CapturedState {
  const path = fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
  const stored = readFileSync(path);
  const bytes = name.endsWith('.gz') ? gunzipSync(stored) : stored;
  return { path, bytes, sha256: sha256(bytes) };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Devices only, as under Xen; bare. */
export const DEVICE_STATE = captured('device-states/pc-minimal.xen.qevm');
/** Devices only, gzipped. */
export const GZIPPED_STATE = captured('device-states/pc-e1000-24.xen.qevm.gz');
/** A whole migration stream, with RAM and a description of itself, gzipped. */
export const MIGRATION_STREAM = captured('device-states/pc-ram.description.qevm.gz');
/** From a real stubdom. */
export const XEN_STATE = captured('xen-states/xen-minimal.qevm');
