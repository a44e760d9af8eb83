/** What a look at the host has found: one line each, with the way to mend it. */

/** `missing` keeps stubferry from working; `advice` does not. */
export type CheckStatus = 'ok' | 'missing' | 'advice';

export interface HostCheck {
  /** What was looked at. */
  readonly what: string;
  readonly verdict: CheckStatus;
  /** What is there. */
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(what: string, found: string): HostCheck {
  return { what, verdict: 'ok', found };
}

export function missing(what: string, found: string, fix: string): HostCheck {
  return { what, verdict: 'missing', found, fix };
}

export function advice(what: string, found: string, fix: string): HostCheck {
  return { what, verdict: 'advice', found, fix };
}
