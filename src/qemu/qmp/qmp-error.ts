/** Errors of QMP. QEMU's qapi/error.json defines the error classes; there are no others. */
import { printable, StubferryError } from '../../base/errors/index.js';

interface ClassMeaning {
  readonly message: (command: string) => string;
  readonly hint?: string;
}

const CLASSES: Readonly<Record<string, ClassMeaning>> = {
  GenericError: { message: (command) => `QEMU refused '${command}'` },
  CommandNotFound: {
    message: (command) => `QEMU has no command '${command}' or does not accept it in its current state`,
    hint: 'check which commands this QEMU has (query-commands) and whether it is still starting',
  },
  DeviceNotActive: {
    message: (command) => `QEMU refused '${command}': the device is not active`,
    hint: 'a disk or a job of the guest is in use or not started: check query-block and query-jobs',
  },
  DeviceNotFound: {
    message: (command) => `QEMU refused '${command}': no such device`,
    hint: 'this is not the expected machine: check the command line of QEMU',
  },
  KVMMissingCap: {
    message: (command) => `QEMU refused '${command}': the hypervisor of this host lacks a capability`,
    hint: 'use another kernel or another accelerator',
  },
};

/** The longest description of QEMU that a message contains, in characters. */
const DESC_LIMIT = 400;

/** The error QEMU_REFUSED for an error reply of QEMU. @param desc QEMU's own description of the error */
export function refused(where: string, command: string, errorClass: string, desc: string): StubferryError {
  const meaning = Object.hasOwn(CLASSES, errorClass) ? CLASSES[errorClass] : undefined;
  const message = meaning?.message(command) ?? `QEMU refused '${command}'`;
  return new StubferryError('QEMU_REFUSED', `${message}: ${printable(desc, DESC_LIMIT)}`, {
    where,
    found: printable(errorClass, 80),
    hint: meaning?.hint,
  });
}

/** The error QEMU_GONE. @param during the command that waited for a reply, if there was one */
export function monitorGone(where: string, during: string | undefined, cause?: unknown): StubferryError {
  const when = during === undefined ? '' : ` in the middle of '${during}'`;
  return new StubferryError('QEMU_GONE', `QEMU closed its monitor${when}`, {
    where,
    found: 'end of file',
    hint: 'QEMU has ended or was killed: check its log',
    cause,
  });
}

/** The error QMP_PROTOCOL. @param found what the peer sent */
export function notQmp(where: string, found: string): StubferryError {
  return new StubferryError('QMP_PROTOCOL', 'the peer does not speak QMP', {
    where,
    expected: 'a message of a QMP server',
    found,
    hint: "check that this is the socket of QEMU's '-qmp' option and not a human monitor or a serial line",
  });
}
