/** QEMU's refusals, as errors of ours. The classes are those of QEMU's qapi/error.json; there are no others. */
import { printable, StubferryError } from '../../base/errors/index.js';

interface ClassMeaning {
  readonly message: (command: string) => string;
  readonly hint?: string;
}

const CLASSES: Readonly<Record<string, ClassMeaning>> = {
  GenericError: { message: (command) => `QEMU refused '${command}'` },
  CommandNotFound: {
    message: (command) => `this QEMU has no command '${command}', or does not take it now`,
    hint: 'see what it was built with (query-commands), and whether it is still being started',
  },
  DeviceNotActive: {
    message: (command) => `QEMU refused '${command}': the device is not active`,
    hint: 'a disk or a job of the guest is in use or not started: look at query-block and query-jobs',
  },
  DeviceNotFound: {
    message: (command) => `QEMU refused '${command}': it has no such device`,
    hint: 'the machine is not the one that was expected: look at its command line',
  },
  KVMMissingCap: {
    message: (command) => `QEMU refused '${command}': the hypervisor of this machine cannot do it`,
    hint: 'another kernel or another accelerator is needed',
  },
};

/** Most characters of a sentence of QEMU's. */
const SENTENCE_LIMIT = 400;

/** @param desc QEMU's own sentence */
export function refused(where: string, command: string, errorClass: string, desc: string): StubferryError {
  const meaning = Object.hasOwn(CLASSES, errorClass) ? CLASSES[errorClass] : undefined;
  const said = printable(desc, SENTENCE_LIMIT);
  return new StubferryError('QEMU_REFUSED', `${meaning?.message(command) ?? `QEMU refused '${command}'`}: ${said}`, {
    where,
    found: printable(errorClass, 80),
    hint: meaning?.hint,
  });
}

export function monitorGone(where: string, during: string | undefined, cause?: unknown): StubferryError {
  const when = during === undefined ? '' : ` in the middle of '${during}'`;
  return new StubferryError('QEMU_GONE', `QEMU closed its monitor${when}`, {
    where,
    found: 'end of file',
    hint: 'it has ended or was killed: see its log',
    cause,
  });
}

export function notQmp(where: string, found: string): StubferryError {
  return new StubferryError('QMP_PROTOCOL', 'what answers does not speak QMP as QEMU does', {
    where,
    expected: 'a message of a QMP server',
    found,
    hint: "is this the socket of QEMU's '-qmp', and not of a human monitor or a serial line?",
  });
}
