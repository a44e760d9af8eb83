/**
 * A configuration for a stubdom, where libxl wants to have one.
 *
 * `xl block-attach` adds the disk to the domain's configuration in `/var/lib/xen/userdata-d.<domid>.<uuid>.libxl-json`, and fails with
 * ERROR_JSON_CONFIG_EMPTY where there is none. libxl 4.17 keeps one for each domain but stubdoms (measured). So it gets the least that
 * it can read; libxl itself removes it with the domain.
 */
import { randomUUID } from 'node:crypto';
import { link, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, printable, StubferryError } from '../../base/errors/index.js';
import { isUuid } from '../../formats/protocol/uuid.js';
import type { XenstoreClient } from '../xenstore/index.js';

/** Where libxl has its files: XEN_LIB_DIR. */
export const LIBXL_DIR = '/var/lib/xen';

/**
 * Makes it, 0600, if there is none.
 * @returns its path when it was made: then it is ours to remove
 * @throws StubferryError ATTACH_FAILED
 */
export async function makeUserdata(
  store: XenstoreClient,
  stubdom: number,
  folder: string,
): Promise<string | undefined> {
  const home = `/local/domain/${stubdom}`;
  const [vm, name = ''] = [await store.read(`${home}/vm`), await store.read(`${home}/name`)];
  // Only dom0 has none, and a configuration from xen-init-dom0.
  if (vm === undefined) return undefined;
  const uuid = vm.replace(/^\/vm\//, '');
  if (!isUuid(uuid)) {
    throw new StubferryError('ATTACH_FAILED', 'what xenstore has for the UUID of a domain is none', {
      where: `${home}/vm`,
      expected: '/vm/ and a UUID',
      found: printable(vm, 80),
      hint: 'it may have ended meanwhile: see xl list',
    });
  }
  const path = join(folder, `userdata-d.${stubdom}.${uuid}.libxl-json`);
  const whole = join(folder, `.stubferry-${randomUUID()}`);
  try {
    await writeFile(whole, configuration(name, uuid), { flag: 'wx', mode: 0o600 });
    // It appears as a whole, and never in the place of one that is there.
    await link(whole, path);
    return path;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return undefined;
    throw new StubferryError('ATTACH_FAILED', "the stubdom's configuration for libxl cannot be written", {
      where: path,
      found: errnoOf(cause),
      cause,
    });
  } finally {
    await unlink(whole).catch(() => undefined);
  }
}

/** libxl's JSON of a domain's configuration ends in a zero byte. What the sizes are does not matter to who attaches a disk. */
function configuration(name: string, uuid: string): string {
  const memory = { max_memkb: 262144, target_memkb: 262144 };
  const config = { c_info: { type: 'pv', name, uuid }, b_info: { ...memory, 'type.pv': {} } };
  return `${JSON.stringify(config)}\0`;
}
