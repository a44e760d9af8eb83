/**
 * Who asks? A stubdom says nothing of itself that would be believed: whose device model it is, libxl has written into keys that
 * dom0 owns and nobody else can write, in both directions.
 *
 *     /local/domain/<stubdom>/target                     the target's domid
 *     /local/domain/<target>/image/device-model-domid    the stubdom's domid
 *     /local/domain/<target>/vm                          /vm/<the target's UUID>
 *
 * Both the values and who can write them are checked: a stubdom may write what its target may (xs_set_target), and a guest owns
 * parts of its folder.
 */

import { printable, StubferryError } from '../base/errors/index.js';
import { isUuid } from '../formats/protocol/uuid.js';
import type { Permissions, XenstoreClient } from '../xen/xenstore/index.js';

/** A stubdom that runs a target's QEMU. */
export interface DeviceModel {
  readonly stubdom: number;
  readonly target: number;
  readonly targetUuid: string;
}

type Reader = Pick<XenstoreClient, 'read' | 'permissions'>;

/** The folder of a domain. */
export const homeOf = (domid: number): string => `/local/domain/${domid}`;

/** @throws StubferryError NOT_A_DEVICE_MODEL, and errors of xenstore */
export async function identifyDeviceModel(xenstore: Reader, stubdom: number): Promise<DeviceModel> {
  const target = await domidIn(xenstore, `${homeOf(stubdom)}/target`);
  const vmKey = `${homeOf(target)}/vm`;
  const [modelOfTarget, vm] = await Promise.all([
    domidIn(xenstore, `${homeOf(target)}/image/device-model-domid`),
    onlyDom0Wrote(xenstore, vmKey),
  ]);
  if (modelOfTarget !== stubdom || target === stubdom || target === 0) {
    throw notOne(
      `${homeOf(stubdom)}/target`,
      `a target whose device model is domain ${stubdom}`,
      `target ${target}, whose device model is domain ${modelOfTarget}`,
    );
  }
  const targetUuid = vm.startsWith('/vm/') ? vm.slice('/vm/'.length) : '';
  if (!isUuid(targetUuid)) throw notOne(vmKey, '/vm/ and a UUID', JSON.stringify(printable(vm, 64)));
  return { stubdom, target, targetUuid: targetUuid.toLowerCase() };
}

/** The stubdom that runs the QEMU of `target`, checked in the same way. @throws StubferryError NOT_A_DEVICE_MODEL */
export async function deviceModelOf(xenstore: Reader, target: number): Promise<DeviceModel> {
  return identifyDeviceModel(xenstore, await domidIn(xenstore, `${homeOf(target)}/image/device-model-domid`));
}

async function domidIn(xenstore: Reader, key: string): Promise<number> {
  const text = await onlyDom0Wrote(xenstore, key);
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw notOne(key, 'a domid', JSON.stringify(printable(text, 64)));
}

async function onlyDom0Wrote(xenstore: Reader, key: string): Promise<string> {
  const [permissions, text] = await Promise.all([xenstore.permissions(key), xenstore.read(key)]);
  if (permissions === undefined || text === undefined)
    throw notOne(key, 'a key that the toolstack has written', 'nothing');
  if (!isDom0Only(permissions))
    throw notOne(key, 'a key that dom0 alone can write', 'one that another domain can write');
  return text;
}

function isDom0Only({ owner, others, domains }: Permissions): boolean {
  return owner === 0 && others?.write !== true && domains.every(({ domid, write }) => domid === 0 || !write);
}

function notOne(where: string, expected: string, found: string): StubferryError {
  return new StubferryError('NOT_A_DEVICE_MODEL', "this domain is no target's device model", {
    where,
    expected,
    found,
    hint: 'only a stubdom that libxl has made for a target gets a transfer disk',
  });
}
