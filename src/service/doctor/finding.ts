/** The result of one check of the host, and its fix. */

/** The verdict of a check. With `missing`, stubferry does not work. `advice` is a recommendation only. */
export type CheckStatus = 'ok' | 'missing' | 'advice';

/** The result of one check. */
export interface HostCheck {
  /** The subject of the check. */
  readonly what: string;
  readonly verdict: CheckStatus;
  /** What the check found. */
  readonly found: string;
  /** How to fix it; absent when the verdict is `ok`. */
  readonly fix?: string;
}

/** The result `ok`. */
export function ok(what: string, found: string): HostCheck {
  return { what, verdict: 'ok', found };
}

/** The result `missing`, with its fix. */
export function missing(what: string, found: string, fix: string): HostCheck {
  return { what, verdict: 'missing', found, fix };
}

/** The result `advice`, with the recommendation. */
export function advice(what: string, found: string, fix: string): HostCheck {
  return { what, verdict: 'advice', found, fix };
}
