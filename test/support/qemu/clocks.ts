/**
 * What may differ when a state was loaded by a QEMU that has not run since, and is saved again.
 *
 * Nearly everything in a guest hangs on QEMU's virtual clock, which is part of the state and stands while the guest
 * stands. Left are a clock that goes on whatever the guest does, and a few fields that QEMU writes but does not read.
 * Each has its reason here; anything else that differs has been damaged on the way.
 */

export interface Exception {
  readonly field: RegExp;
  readonly why: string;
}

/** The clock on the wall, which the guest's real-time clock shows. */
export const CLOCKS: readonly Exception[] = [
  {
    field: /^mc146818rtc\/cmos_data\+0x0[0246789]$/,
    why: 'seconds, minutes, hours, day of the week, day, month and year: the time at which the state was written',
  },
  { field: /^mc146818rtc\/cmos_data\+0x32$/, why: 'the century of that time' },
  { field: /^mc146818rtc\/cmos_data\+0x0a$/, why: 'bit 7 says that the time is just being counted up' },
  { field: /^mc146818rtc\/cmos_data\+0x0c$/, why: 'bit 4 says that a second has ended since the guest has looked' },
  { field: /^mc146818rtc\/update_timer$/, why: 'when the second ends that the guest will be told of' },
  {
    field: /^mc146818rtc\/next_alarm_time$/,
    why: 'computed anew from the time on the wall, a microsecond more or less',
  },
];

/** Fields that QEMU writes and then, with a reason of its own, does not take back from the state. */
export const FORGOTTEN: readonly Exception[] = [
  {
    field: /\/ide\/bmdma\[[01]\]\/migration_retry_sector_num$/,
    why: 'where to try a request again; without a failed request it means nothing, and is not loaded',
  },
  { field: /\/qxl\/ssd\.unique$/, why: 'the number of the next update of the screen; a loaded screen is drawn once' },
];

/** Those of the fields that no exception covers. */
export function unexplained(fields: readonly string[]): string[] {
  return fields.filter((name) => ![...CLOCKS, ...FORGOTTEN].some(({ field }) => field.test(name)));
}
