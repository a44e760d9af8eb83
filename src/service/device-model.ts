/**
 * Determines which target a stubdom belongs to. The service believes no statement of the stubdom about itself. It reads
 * keys that libxl wrote, in both directions, and checks that dom0 owns them and that no other domain can write them.
 *
 *     /local/domain/<stubdom>/target                     the target's domid
 *     /local/domain/<target>/image/device-model-domid    the stubdom's domid
 *     /local/domain/<target>/vm                          /vm/<the target's UUID>
 *
 * The check covers both the values and the permissions, because a stubdom may write what its target may write
 * (xs_set_target), and a guest owns parts of its directory.
 */

import { printable, StubferryError } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import type { Permissions, XenstoreClient } from '../xen/xenstore/index.js';

/** A stubdom that runs the QEMU of a target. */
export interface DeviceModel {
  /** The domain id of the stubdom. */
  readonly stubdom: number;
  /** The domain id of the target. */
  readonly target: number;
  /** The UUID of the target, in lower case. */
  readonly targetUuid: string;
}

type Reader = Pick<XenstoreClient, 'read' | 'permissions'>;

/** The xenstore directory of a domain. */
export const domainPath = (domid: number): string => `/local/domain/${domid}`;

/**
 * Determines the target of a stubdom.
 *
 * @throws StubferryError NOT_A_DEVICE_MODEL: when the keys do not agree, are absent or can be written by another domain
 * @throws errors of xenstore
 */
export async function identifyDeviceModel(xenstore: Reader, stubdom: number): Promise<DeviceModel> {
  const target = await domidIn(xenstore, `${domainPath(stubdom)}/target`);
  const vmKey = `${domainPath(target)}/vm`;
  const [modelOfTarget, vm] = await Promise.all([
    domidIn(xenstore, `${domainPath(target)}/image/device-model-domid`),
    readDom0Key(xenstore, vmKey),
  ]);
  if (modelOfTarget !== stubdom || target === stubdom || target === 0) {
    throw notADeviceModel(
      `${domainPath(stubdom)}/target`,
      `a target whose device model is domain ${stubdom}`,
      `target ${target}, whose device model is domain ${modelOfTarget}`,
    );
  }
  const targetUuid = vm.startsWith('/vm/') ? vm.slice('/vm/'.length) : '';
  if (!isUuid(targetUuid)) throw notADeviceModel(vmKey, '/vm/ and a UUID', JSON.stringify(printable(vm, 64)));
  return { stubdom, target, targetUuid: targetUuid.toLowerCase() };
}

/**
 * Determines the stubdom that runs the QEMU of `target`, with the same checks.
 *
 * @throws StubferryError NOT_A_DEVICE_MODEL: as {@link identifyDeviceModel}
 * @throws errors of xenstore
 */
export async function deviceModelOf(xenstore: Reader, target: number): Promise<DeviceModel> {
  return identifyDeviceModel(xenstore, await domidIn(xenstore, `${domainPath(target)}/image/device-model-domid`));
}

async function domidIn(xenstore: Reader, key: string): Promise<number> {
  const text = await readDom0Key(xenstore, key);
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw notADeviceModel(key, 'a domain id', JSON.stringify(printable(text, 64)));
}

/** Reads a key, if only dom0 can write it. */
async function readDom0Key(xenstore: Reader, key: string): Promise<string> {
  const [permissions, text] = await Promise.all([xenstore.permissions(key), xenstore.read(key)]);
  if (permissions === undefined || text === undefined)
    throw notADeviceModel(key, 'a key that the toolstack wrote', 'nothing');
  if (!isDom0Only(permissions))
    throw notADeviceModel(key, 'a key that only dom0 can write', 'a key that another domain can write');
  return text;
}

function isDom0Only({ owner, others, domains }: Permissions): boolean {
  return owner === 0 && others?.write !== true && domains.every(({ domid, write }) => domid === 0 || !write);
}

function notADeviceModel(where: string, expected: string, found: string): StubferryError {
  return new StubferryError('NOT_A_DEVICE_MODEL', 'this domain is not the device model of a target', {
    where,
    expected,
    found,
    hint: 'only a stubdom that libxl created for a target gets a transfer disk',
  });
}
