/** Errors for requests that xenstored refuses. The errno names are those of xs_wire.h. */
import { StubferryError } from '../../base/errors/index.js';
import type { Request } from './wire/requests.js';

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'this domain has no permission for that node',
  E2BIG: 'the reply does not fit into a message',
  EINVAL: 'this xenstored does not accept such a path or value',
  ENOENT: 'no such node',
  ENOSPC: 'a quota of this domain is used up: nodes, watches, transactions or bytes',
  ENOSYS: 'this xenstored does not support that request',
};

/**
 * Creates the error XENSTORE_REFUSED for a request.
 * @param errno the name that xenstored replied, such as EACCES
 */
export function refused({ type, where }: Request<unknown>, errno: string): StubferryError {
  return new StubferryError('XENSTORE_REFUSED', `xenstored refused ${type}`, {
    where,
    found: errno,
    hint: HINTS[errno],
  });
}
