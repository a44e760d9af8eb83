/**
 * Clocks and timers in the states of devices: fields that differ between two states of one guest only because time has
 * passed. `stubferry diff --ignore clock` ignores these fields and nothing else.
 *
 * If there is a description, a field is found by its name. Without a description, it is found by its offset in the
 * body, if the offset is the same in every state of that version of the device
 * (test/unit/formats/qevm/clock-fields.test.ts compares the offsets with all captured descriptions).
 *
 * Measured with QEMU 7.2: `mc146818rtc/cmos_data` differs between two saves of a stopped guest. `timer`, `i8254` and
 * `rtl8139/TCTR` differ as well after a second in which the guest had halted. test/support/qemu/clocks.ts contains what
 * a load changes. The other fields are from QEMU's sources: QEMU sets them from its virtual clock, or they count with
 * it.
 */
import type { FlatField } from './flat-fields.js';
import { baseName } from './section-header.js';
import { TIMER } from './values.js';

interface ClockField {
  /** The name of the section without its path. */
  readonly section: string;
  /** Matches the paths of the fields (flat-fields.ts); `path+0x0c` for a byte of a field of more than 8 bytes. */
  readonly field: RegExp;
  readonly why: string;
  /** The offsets of the fields in the body of a section of that version; undefined if the offsets vary. */
  readonly bytes?: {
    readonly version: number;
    readonly ranges: readonly (readonly [offset: number, length: number])[];
  };
}

/** The clocks and timers, by section and field. */
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
    why: 'when its timer was started and when it expires',
    bytes: { version: 3, ranges: [[157, 24]] },
  },
  {
    section: 'i8254',
    field: /^channels\[\d\][/.](?:count_load_time|next_transition_time)$/,
    why: 'when its counters were loaded and when they change',
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
    why: 'flags for an update in progress, and for a second that has ended since the guest last read them',
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
    why: 'the base of the time, and when its alarms are due',
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
    why: 'when the power management timer overflows, and when the watchdog expires',
  },
  {
    section: 'uhci',
    field: /^(?:frame_timer|expire_time)$/,
    why: 'when the next frame is due',
    bytes: { version: 3, ranges: [[295, 16]] },
  },
  { section: 'xhci', field: /^xhci\/(?:mfindex_start|mfwrap_timer)$/, why: 'when the count of microframes began' },
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

/**
 * Whether a field is a clock.
 *
 * @param name the name of the section, with or without the path of the device
 * @param byte index of a byte in a field whose changes are reported by bytes: whether this byte belongs to a clock
 */
export function isClockField(name: string, { path, type }: FlatField, byte?: number): boolean {
  // In every device, a field of this type is the expiry of a timer, in time of the virtual clock.
  if (type === TIMER) return true;
  const label = byte === undefined ? path : `${path}+0x${byte.toString(16).padStart(2, '0')}`;
  return fieldsOf(name).some(({ field }) => field.test(label));
}

/**
 * Whether the byte at `offset` in the body of such a section belongs to a clock.
 *
 * @param name the name of the section, with or without the path of the device
 * @returns undefined if the section has clocks at unknown offsets and this byte is not in one at a known offset
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
