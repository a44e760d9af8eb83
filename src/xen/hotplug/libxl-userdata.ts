/**
 * A configuration for a stubdom, which libxl requires.
 *
 * `xl block-attach` adds the disk to the domain's configuration in `/var/lib/xen/userdata-d.<domid>.<uuid>.libxl-json`,
 * and fails with ERROR_JSON_CONFIG_EMPTY when the file does not exist. libxl 4.17 keeps one for each domain except
 * stubdoms (measured). So stubferry writes the smallest configuration that libxl can read; libxl itself removes it with
 * the domain.
 */
import { randomUUID } from 'node:crypto';
import { link, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, printable, StubferryError } from '../../base/errors/index.js';
import { isUuid } from '../../formats/protocol/uuid.js';
import type { XenstoreClient } from '../xenstore/index.js';

/** The directory of libxl's files: XEN_LIB_DIR. */
export const LIBXL_DIR = '/var/lib/xen';

/**
 * Creates the configuration of a stubdom with mode 0600, if it does not exist.
 * @param directory where libxl keeps its files
 * @returns the path of a created file, which the caller must remove; undefined when none was created
 * @throws StubferryError ATTACH_FAILED; errors of xenstore
 */
export async function makeUserdata(
  store: XenstoreClient,
  stubdom: number,
  directory: string,
): Promise<string | undefined> {
  const home = `/local/domain/${stubdom}`;
  const [vm, name = ''] = [await store.read(`${home}/vm`), await store.read(`${home}/name`)];
  // Only dom0 has no such node; its configuration comes from xen-init-dom0.
  if (vm === undefined) return undefined;
  const uuid = vm.replace(/^\/vm\//, '');
  if (!isUuid(uuid)) {
    throw new StubferryError('ATTACH_FAILED', 'the UUID of the domain in xenstore is invalid', {
      where: `${home}/vm`,
      expected: '/vm/ and a UUID',
      found: printable(vm, 80),
      hint: 'the domain may have ended meanwhile: see xl list',
    });
  }
  const path = join(directory, `userdata-d.${stubdom}.${uuid}.libxl-json`);
  const temporary = join(directory, `.stubferry-${randomUUID()}`);
  try {
    await writeFile(temporary, configuration(name, uuid), { flag: 'wx', mode: 0o600 });
    // The file appears with its complete content, and never replaces an existing one.
    await link(temporary, path);
    return path;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return undefined;
    throw new StubferryError('ATTACH_FAILED', "the stubdom's configuration for libxl cannot be written", {
      where: path,
      found: errnoOf(cause),
      cause,
    });
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/**
 * libxl's JSON of a domain's configuration ends in a zero byte. The memory sizes do not matter for attaching a disk.
 */
function configuration(name: string, uuid: string): string {
  const memory = { max_memkb: 262144, target_memkb: 262144 };
  const config = { c_info: { type: 'pv', name, uuid }, b_info: { ...memory, 'type.pv': {} } };
  return `${JSON.stringify(config)}\0`;
}
