/** What a look at the host has found: one line each, with the way to mend it. */

/** `missing` keeps stubferry from working; `advice` does not. */
export type Verdict = 'ok' | 'missing' | 'advice';

export interface Finding {
  /** What was looked at. */
  readonly what: string;
  readonly verdict: Verdict;
  /** What is there. */
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(what: string, found: string): Finding {
  return { what, verdict: 'ok', found };
}

export function missing(what: string, found: string, fix: string): Finding {
  return { what, verdict: 'missing', found, fix };
}

export function advice(what: string, found: string, fix: string): Finding {
  return { what, verdict: 'advice', found, fix };
}
