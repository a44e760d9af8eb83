import { describe, expect, it } from '@jest/globals';
import { checkAgainst, type Destination, type Finding, readVmstateDump } from '../../../../src/formats/qevm/index.js';
import { CAPTURED, capturedState, FROM_XEN, fixtureBytes } from '../../../support/qevm/all-states.js';
import {
  described,
  END,
  FILE_HEADER,
  footeredState,
  type Section,
  section,
} from '../../../support/qevm/handmade-state.js';
import { read } from '../../../support/qevm/reading-states.js';

const DUMP = readVmstateDump(fixtureBytes('vmstate-dumps/pc-i440fx-7.2.json.gz'), 'dump');

/** A destination of which only a dump is known. */
function dumped(machine = 'pc-i440fx-7.2'): Destination {
  return { name: 'dump', machine, dump: DUMP, sections: undefined, addable: undefined };
}

/** A destination that saved the state with that name. */
function likeState(name: string, dump = false): Destination {
  const { sections, machineType } = read(capturedState(name));
  const machine = machineType === '' ? undefined : machineType;
  return { name, machine, dump: dump ? DUMP : undefined, sections, addable: undefined };
}

const verdicts = (findings: readonly Finding[]): string[] =>
  findings.map(({ verdict, subject }) => `${verdict} ${subject}`);

describe('checkAgainst finds no problem', () => {
  it.each(CAPTURED)('in $name against a dump of its own QEMU', ({ file, machine }) => {
    const state = read(fixtureBytes(file));
    const { loads, findings } = checkAgainst(state, dumped(machine));
    expect([loads, findings]).toEqual([true, []]);
  });

  it.each([...CAPTURED, ...FROM_XEN])('in $name against itself', ({ file, name }) => {
    const state = read(fixtureBytes(file));
    const { loads, findings } = checkAgainst(state, likeState(name));
    expect([loads, findings]).toEqual([true, []]);
  });

  it('in a whole migration against the device state of the same machine, except for differences of the capture', () => {
    const state = read(capturedState('pc-usb.description'));
    const { findings } = checkAgainst(state, { ...likeState('pc-usb.xen'), machine: 'pc-i440fx-7.2' });
    // The two were captured with different settings of the APIC, and QEMU does not save globalstate under Xen.
    expect(verdicts(findings)).toEqual(['refused kvm-tpr-opt', 'refused globalstate']);
  });
});

describe('checkAgainst refuses a state', () => {
  it('for devices that the destination does not have', () => {
    const { loads, findings } = checkAgainst(read(capturedState('pc-e1000.xen')), likeState('isapc.xen'));
    expect(loads).toBe(false);
    expect(findings).toContainEqual({
      verdict: 'refused',
      subject: '0000:00:02.0/e1000',
      problem: 'the destination has no such device',
      consequence: "QEMU refuses the state: Unknown savevm section or instance '0000:00:02.0/e1000' 0",
    });
    expect(verdicts(findings)).toContain('refused 0000:00:01.0/PIIX3');
    expect(verdicts(findings)).toContain('lost isa-ide');
  });

  it('for a device that the destination has at another address', () => {
    const moved: Section[] = [{ id: 0, name: '0000:00:07.0/e1000', version: 2, body: 'e' }];
    const { findings } = checkAgainst(read(footeredState(moved)), likeState('pc-e1000.xen'));
    expect(findings[0]).toMatchObject({
      verdict: 'refused',
      problem: 'the destination has no such device; it has 0000:00:02.0/e1000',
    });
  });

  it('for a version newer than that in a dump or in a state of the destination', () => {
    const newer: Section[] = [{ id: 0, name: '0000:00:02.0/e1000', version: 4, body: 'e' }];
    for (const destination of [dumped(), likeState('pc-e1000.xen')]) {
      const { loads, findings } = checkAgainst(read(footeredState(newer)), destination);
      expect(loads).toBe(false);
      expect(findings[0]).toEqual({
        verdict: 'refused',
        subject: '0000:00:02.0/e1000',
        problem: "version 4, newer than the destination's 2",
        consequence: "QEMU refuses the state: unsupported version 4 for '0000:00:02.0/e1000' v2",
      });
    }
  });

  it('for a version older than the oldest version that QEMU loads', () => {
    const older: Section[] = [{ id: 0, name: 'fdc', version: 1, body: 'f' }];
    expect(checkAgainst(read(footeredState(older)), dumped()).findings).toMatchObject([
      { verdict: 'refused', subject: 'fdc', problem: 'version 1 is older than the oldest version that QEMU loads, 2' },
    ]);
  });

  it('but not for a version that one of several devices with the same section name loads (ne2000)', () => {
    const card = (version: number): Section[] => [{ id: 0, name: 'ne2000', version, body: 'n' }];
    expect(checkAgainst(read(footeredState(card(2))), dumped()).findings).toEqual([]);
    expect(checkAgainst(read(footeredState(card(3))), dumped()).findings).toEqual([]);
    expect(checkAgainst(read(footeredState(card(4))), dumped()).loads).toBe(false);
  });

  it('for a device type that a dump does not list: the Xen platform device, in a QEMU without it', () => {
    expect(checkAgainst(read(capturedState('xen-minimal')), dumped()).findings).toEqual([
      {
        verdict: 'refused',
        subject: '0000:00:02.0/platform',
        problem: 'no device type of the destination saves a section of this name',
        consequence: "QEMU refuses the state: Unknown savevm section or instance '0000:00:02.0/platform' 0",
      },
    ]);
  });

  it('for another machine type, if the state contains one', () => {
    const state = read(capturedState('pc-minimal.description'));
    expect(checkAgainst(state, dumped('pc-q35-7.2')).findings).toMatchObject([
      {
        verdict: 'refused',
        subject: 'machine type',
        problem: 'the state is from pc-i440fx-7.2, the destination is pc-q35-7.2',
      },
    ]);
    expect(checkAgainst(read(capturedState('pc-minimal.xen')), dumped('pc-q35-7.2')).findings).toEqual([]);
  });

  it('for a subsection that the destination does not know, or knows only in other versions', () => {
    const subsection = (name: string, version: number) => {
      const inner = { vmsd_name: name, version, fields: [] };
      const device = {
        name: 'serial',
        instance_id: 0,
        vmsd_name: 'serial',
        version: 3,
        fields: [],
        subsections: [inner],
      };
      const body = Buffer.concat([Buffer.of(5, name.length), Buffer.from(name), Buffer.of(0, 0, 0, version)]);
      const json = { page_size: 4096, devices: [device] };
      const serial = section({ id: 0, name: 'serial', version: 3, body });
      return read(Buffer.concat([FILE_HEADER, serial, END, described(json)]));
    };
    expect(checkAgainst(subsection('serial/poll', 1), dumped()).findings).toEqual([]);
    expect(checkAgainst(subsection('serial/tomorrow', 1), dumped()).findings).toMatchObject([
      {
        verdict: 'refused',
        subject: 'serial, serial/tomorrow',
        problem: 'the destination does not know this subsection',
      },
    ]);
    expect(checkAgainst(subsection('serial/poll', 2), dumped()).loads).toBe(false);
  });
});

describe('checkAgainst reports', () => {
  it('a device as lost that the state lacks: QEMU would leave it as after a reset', () => {
    const { loads, findings } = checkAgainst(read(capturedState('pc-minimal.xen')), likeState('pc-e1000.xen'));
    expect(loads).toBe(false);
    expect(findings).toEqual([
      {
        verdict: 'lost',
        subject: '0000:00:02.0/e1000',
        problem: 'the state has no section for this device of the destination',
        consequence: 'QEMU loads the state, but this device is as after a reset, which the guest does not expect',
      },
    ]);
  });

  it('a device as needed that can be added to a bare machine', () => {
    const bare = { ...likeState('pc-minimal.xen', true), addable: new Set(['e1000']) };
    expect(checkAgainst(read(capturedState('pc-e1000.xen')), bare)).toMatchObject({
      loads: true,
      findings: [
        {
          verdict: 'needed',
          subject: '0000:00:02.0/e1000',
          consequence: 'start the destination with -device e1000 at the same address, or QEMU refuses the state',
        },
      ],
    });
    const other = { ...bare, addable: new Set(['rtl8139']) };
    expect(checkAgainst(read(capturedState('pc-e1000.xen')), other).loads).toBe(false);
  });

  it('a section as unknown that a dump does not list', () => {
    const unlisted: Section[] = [{ id: 0, name: 'unheard-of', body: '' }];
    expect(checkAgainst(read(footeredState(unlisted)), dumped())).toMatchObject({
      loads: true,
      fitting: 0,
      findings: [
        { verdict: 'unknown', problem: 'the dump does not list this section, but no dump lists every section' },
      ],
    });
  });
});
