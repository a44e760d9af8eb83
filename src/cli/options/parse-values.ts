/** Values on the command line: sizes, durations, UUIDs. */
import { InvalidArgumentError } from 'commander';
import { isUuid } from '../../formats/protocol/uuid.js';

const SIZE = /^(?<number>\d+)\s*(?<unit>|[KMGT](?:iB)?)$/i;
const FACTORS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** `32M`, `32MiB` or bytes, as qemu-img takes them: K, M, G and T are powers of 1024. */
export function parseSize(text: string): number {
  const groups = SIZE.exec(text.trim())?.groups;
  const unit = (groups?.['unit'] ?? '?').charAt(0).toUpperCase();
  const bytes = Number(groups?.['number']) * (FACTORS[unit as keyof typeof FACTORS] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('a size is a number with K, M, G or T, such as 32M.');
  return bytes;
}

const DURATION = /^(?<number>\d+)(?<unit>ms|s|m)$/;
const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

/** `500ms`, `5s` or `2m`, as milliseconds. */
export function parseDuration(text: string): number {
  const groups = DURATION.exec(text.trim())?.groups;
  const ms = Number(groups?.['number']) * (UNITS[groups?.['unit'] as keyof typeof UNITS] ?? Number.NaN);
  if (!Number.isSafeInteger(ms) || ms === 0) {
    throw new InvalidArgumentError('a duration is a number with ms, s or m, such as 500ms or 5s.');
  }
  return ms;
}

/** Silence that is death: the other agent's heart beats four times a second, and may miss some beats. */
export function parsePeerTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1000) throw new InvalidArgumentError('less than 1s would take a slow agent for a dead one.');
  return ms;
}

/** A descriptor beside the standard ones. */
export function parseDescriptor(text: string): number {
  const fd = Number(text);
  if (!/^\d+$/.test(text) || fd < 3 || fd > 1023)
    throw new InvalidArgumentError('a descriptor is a number from 3 to 1023.');
  return fd;
}

export function parseUuidOption(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('a UUID has the form 01234567-89ab-cdef-0123-456789abcdef.');
  return text.toLowerCase();
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1024)
    throw new InvalidArgumentError('a count is a number from 1 to 1024.');
  return count;
}

export function parseDomid(text: string): number {
  const domid = Number(text);
  if (!/^\d+$/.test(text) || domid > 0x7fff) throw new InvalidArgumentError('a domid is a number from 0 to 32767.');
  return domid;
}

/** A domain that may have a device model: not dom0. */
export function parseTarget(text: string): number {
  const domid = parseDomid(text);
  if (domid === 0) throw new InvalidArgumentError('domain 0 has no device model.');
  return domid;
}
