/**
 * The fields that may differ when a QEMU loads a state, does not run the guest, and saves it again.
 *
 * Nearly all fields of a guest depend on QEMU's virtual clock, which is part of the state and stops with the guest. The
 * exceptions are the real-time clock, which does not stop, and a few fields that QEMU writes but does not load. Each
 * exception has its reason here. Any other difference is damage.
 */

/** Fields that may differ, and the reason. */
export interface Exception {
  readonly field: RegExp;
  readonly why: string;
}

/** The fields of the guest's real-time clock, which shows the time of the host. */
export const CLOCKS: readonly Exception[] = [
  {
    field: /^mc146818rtc\/cmos_data\+0x0[0246789]$/,
    why: 'seconds, minutes, hours, day of the week, day, month and year: the time of the save',
  },
  { field: /^mc146818rtc\/cmos_data\+0x32$/, why: 'the century of that time' },
  { field: /^mc146818rtc\/cmos_data\+0x0a$/, why: 'bit 7 is set while the time is updated' },
  {
    field: /^mc146818rtc\/cmos_data\+0x0c$/,
    why: 'bit 4 is set when a second has ended since the guest has read the register',
  },
  { field: /^mc146818rtc\/update_timer$/, why: 'the end of the current second, when the guest gets an interrupt' },
  {
    field: /^mc146818rtc\/next_alarm_time$/,
    why: 'computed again from the time of the host, with a deviation of a microsecond',
  },
];

/** Fields that QEMU writes but, for a good reason, does not load. */
export const NOT_LOADED: readonly Exception[] = [
  {
    field: /\/ide\/bmdma\[[01]\]\/migration_retry_sector_num$/,
    why: 'the position at which to retry a request; without a failed request it has no meaning and is not loaded',
  },
  { field: /\/qxl\/ssd\.unique$/, why: 'the number of the next screen update; QEMU draws a loaded screen once' },
];

/** Returns the fields that no exception covers. */
export function unexplained(fields: readonly string[]): string[] {
  return fields.filter((name) => ![...CLOCKS, ...NOT_LOADED].some(({ field }) => field.test(name)));
}
