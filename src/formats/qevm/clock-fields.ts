/**
 * Clocks and timers in the states of devices: fields that differ between two states of one guest only because time has
 * passed. What `stubferry diff --ignore clock` leaves out, and nothing else.
 *
 * With a description a field is found by its name. Without one it is known by its place in the body, where that is the same
 * in every state of that version of that device (test/unit/formats/qevm/clock-fields.test.ts compares it with all captured descriptions).
 *
 * Measured, with QEMU 7.2: between two saves of a stopped guest, `mc146818rtc/cmos_data` differs; after a second in which
 * the guest had halted, `timer`, `i8254` and `rtl8139/TCTR` too; test/support/qemu/clocks.ts has what a load changes. The others are
 * taken from QEMU's sources: they are set from its virtual clock, or count with it.
 */
import type { FlatField } from './flat-fields.js';
import { baseName } from './section-header.js';
import { TIMER } from './values.js';

interface ClockField {
  /** The name of the section without its path. */
  readonly section: string;
  /** Paths of fields (flat-fields.ts); of a byte within a field of more than 8 bytes `path+0x0c`. */
  readonly field: RegExp;
  readonly why: string;
  /** Where they are in the body of a section of that version. */
  readonly bytes?: {
    readonly version: number;
    readonly ranges: readonly (readonly [offset: number, length: number])[];
  };
}

export const CLOCK_FIELDS: readonly ClockField[] = [
  {
    section: 'timer',
    field: /^(?:cpu_ticks_offset|cpu_clock_offset)$/,
    why: 'the virtual clock and the time stamp counter',
    bytes: {
      version: 2,
      ranges: [
        [0, 8],
        [16, 8],
      ],
    },
  },
  {
    section: 'cpu',
    field: /^env\.tsc$/,
    why: 'the time stamp counter',
    bytes: { version: 12, ranges: [[1157, 8]] },
  },
  {
    section: 'apic',
    field: /^(?:initial_count_load_time|next_time|timer_expiry)$/,
    why: 'when its timer was started and is to end',
    bytes: { version: 3, ranges: [[157, 24]] },
  },
  {
    section: 'i8254',
    field: /^channels\[\d\][/.](?:count_load_time|next_transition_time)$/,
    why: 'when its counters were loaded and are to change',
    bytes: {
      version: 3,
      ranges: [
        [20, 16],
        [52, 16],
        [84, 16],
        [100, 8],
      ],
    },
  },
  {
    section: 'mc146818rtc',
    field: /^cmos_data\+0x(?:0[0246789]|32)$/,
    why: 'the time at which the state was written: seconds to years',
    bytes: {
      version: 3,
      ranges: [
        [0x00, 1],
        [0x02, 1],
        [0x04, 1],
        [0x06, 4],
        [0x32, 1],
      ],
    },
  },
  {
    section: 'mc146818rtc',
    field: /^cmos_data\+0x0[ac]$/,
    why: 'flags that say that a second is just being counted, or has ended since the guest has looked',
    bytes: {
      version: 3,
      ranges: [
        [0x0a, 1],
        [0x0c, 1],
      ],
    },
  },
  {
    section: 'mc146818rtc',
    field: /^(?:periodic_timer|next_periodic_time|base_rtc|last_update|offset|update_timer|next_alarm_time)$/,
    why: 'what the time is computed from, and when its alarms are due',
    bytes: {
      version: 3,
      ranges: [
        [157, 16],
        [205, 40],
      ],
    },
  },
  {
    section: 'hpet',
    field: /^(?:hpet_counter|timer\[\d+\]\/qemu_timer|\(hpet\/offset\)\/hpet_offset)$/,
    why: 'its main counter, and when its timers are due',
    bytes: {
      version: 2,
      ranges: [
        [16, 8],
        [59, 8],
        [101, 8],
        [143, 8],
      ],
    },
  },
  {
    section: 'piix4_pm',
    field: /^ar\.tmr\.(?:timer|overflow_time)$/,
    why: 'when the power management timer overflows',
  },
  {
    section: 'ICH9LPC',
    field: /^pm\/(?:acpi_regs\.tmr\.(?:timer|overflow_time)|\(ich9_pm\/tco\)\/tco_regs\/(?:tco_timer|expire_time))$/,
    why: 'when the power management timer overflows, and the watchdog ends',
  },
  {
    section: 'uhci',
    field: /^(?:frame_timer|expire_time)$/,
    why: 'when the next frame is due',
    bytes: { version: 3, ranges: [[295, 16]] },
  },
  { section: 'xhci', field: /^xhci\/(?:mfindex_start|mfwrap_timer)$/, why: 'when microframes are counted from' },
  {
    section: 'rtl8139',
    field: /^TCTR(?:_base)?$/,
    why: 'its timer register',
    bytes: {
      version: 5,
      ranges: [
        [558, 4],
        [566, 8],
      ],
    },
  },
  { section: 'kvmclock', field: /^clock$/, why: "the paravirtual clock of Linux's KVM" },
];

/** @param byte of a field that is told byte by byte */
export function isClockField(name: string, { path, type }: FlatField, byte?: number): boolean {
  // Whatever the device is: when its timer ends, in time of the virtual clock.
  if (type === TIMER) return true;
  const label = byte === undefined ? path : `${path}+0x${byte.toString(16).padStart(2, '0')}`;
  return fieldsOf(name).some(({ field }) => field.test(label));
}

/**
 * Whether the byte at `offset` of such a body is known to be of a clock; undefined when that section has clocks, but it is
 * not known where.
 */
export function isClockByte(name: string, version: number, offset: number): boolean | undefined {
  const fields = fieldsOf(name);
  const known = fields.filter(({ bytes }) => bytes?.version === version);
  const within = known.some(({ bytes }) => {
    return bytes?.ranges.some(([start, length]) => offset >= start && offset < start + length);
  });
  return within || known.length === fields.length ? within : undefined;
}

function fieldsOf(name: string): readonly ClockField[] {
  const base = baseName(name);
  return CLOCK_FIELDS.filter(({ section }) => section === base);
}
