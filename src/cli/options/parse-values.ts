/**
 * Parsers for values on the command line: sizes, durations, UUIDs. Each throws Commander's InvalidArgumentError for a
 * value that it does not accept.
 */
import { InvalidArgumentError } from 'commander';
import { isUuid } from '../../formats/protocol/uuid.js';

const SIZE = /^(?<number>\d+)\s*(?<unit>|[KMGT](?:iB)?)$/i;
const FACTORS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** Parses a size such as `32M`, `32MiB` or a number of bytes. As in qemu-img, K, M, G and T are powers of 1024. */
export function parseSize(text: string): number {
  const groups = SIZE.exec(text.trim())?.groups;
  const unit = (groups?.['unit'] ?? '?').charAt(0).toUpperCase();
  const bytes = Number(groups?.['number']) * (FACTORS[unit as keyof typeof FACTORS] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('a size is a number with an optional unit K, M, G or T, such as 32M.');
  return bytes;
}

const DURATION = /^(?<number>\d+)(?<unit>ms|s|m)$/;
const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

/** Parses a duration such as `500ms`, `5s` or `2m`. @returns milliseconds */
export function parseDuration(text: string): number {
  const groups = DURATION.exec(text.trim())?.groups;
  const ms = Number(groups?.['number']) * (UNITS[groups?.['unit'] as keyof typeof UNITS] ?? Number.NaN);
  if (!Number.isSafeInteger(ms) || ms === 0) {
    throw new InvalidArgumentError('a duration is a number with the unit ms, s or m, such as 500ms or 5s.');
  }
  return ms;
}

/** Parses the time without a heartbeat after which the peer counts as dead. An agent sends four heartbeats a second. */
export function parsePeerTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1000) throw new InvalidArgumentError('the minimum is 1s, because a slow agent would count as dead.');
  return ms;
}

/** Parses the number of a file descriptor other than the three standard ones. */
export function parseDescriptor(text: string): number {
  const fd = Number(text);
  if (!/^\d+$/.test(text) || fd < 3 || fd > 1023)
    throw new InvalidArgumentError('a file descriptor is a number from 3 to 1023.');
  return fd;
}

/** Parses a UUID. @returns it in lower case */
export function parseUuidOption(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('a UUID has the form 01234567-89ab-cdef-0123-456789abcdef.');
  return text.toLowerCase();
}

/** Parses a count from 1 to 1024. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1024)
    throw new InvalidArgumentError('a count is a number from 1 to 1024.');
  return count;
}

/** Parses a domain id, 0 to 32767. */
export function parseDomid(text: string): number {
  const domid = Number(text);
  if (!/^\d+$/.test(text) || domid > 0x7fff) throw new InvalidArgumentError('a domid is a number from 0 to 32767.');
  return domid;
}

/** Parses the id of a domain that can have a device model, which dom0 cannot. */
export function parseTarget(text: string): number {
  const domid = parseDomid(text);
  if (domid === 0) throw new InvalidArgumentError('domain 0 has no device model.');
  return domid;
}
