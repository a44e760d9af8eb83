/** Makes the tables of a run in the lab on real Xen. */
import { median, spread } from './statistics.js';
import type { Table } from './tables.js';
import { WAYS, type XenResults } from './xen-results.js';

const NAMES = {
  block: "xl block-attach, Xen's own script `block`",
  'block-stubferry': '--attach xl, script `block-stubferry`',
  xen: '--attach xen, no script',
} as const;

export function xenTables({ attach, stopped, blob }: XenResults): Table[] {
  const ms = (values: readonly number[]): string => spread(values, 0);
  const times = (part: number, whole: number): string => `${(whole / part).toFixed(1)} times`;
  const mibPerS = (taken: number): string => ((blob.mebibytes * 1000) / taken).toFixed(1);
  const console = median(stopped.console);
  const stock = { attach: median(attach.block.attach), detach: median(attach.block.detach) };
  return [
    {
      title: 'The guest is paused: from `stop` to the reply of `xen-save-devices-state`, 6.7 KB, as xl sees them',
      rows: [
        ['', 'ms: median (range)', 'as fast as the consoles'],
        ['over the consoles', ms(stopped.console), ''],
        ['stubferry, disk attached by the hook', ms(stopped.hooked), times(median(stopped.hooked), console)],
        ['stubferry, disk attached meanwhile', ms(stopped.stubferry), times(median(stopped.stubferry), console)],
      ],
    },
    {
      title: `${blob.mebibytes} MiB from the stubdom into a file of dom0`,
      rows: [
        ['', 'ms', 'MiB/s', 'as fast as the console'],
        ['over console 1', `${blob.consoleMs}`, mibPerS(blob.consoleMs), ''],
        ['over a vchan', `${blob.vchanMs}`, mibPerS(blob.vchanMs), times(blob.vchanMs, blob.consoleMs)],
        ['dd to the disk alone', `${blob.diskMs}`, mibPerS(blob.diskMs), times(blob.diskMs, blob.consoleMs)],
        [
          'stubferry (sha256)',
          `${blob.stubferryMs}`,
          mibPerS(blob.stubferryMs),
          times(blob.stubferryMs, blob.consoleMs),
        ],
        ['stubferry --digest chain', `${blob.chainMs}`, mibPerS(blob.chainMs), times(blob.chainMs, blob.consoleMs)],
        [
          'with its disk made and attached',
          `${blob.wholeMs}`,
          mibPerS(blob.wholeMs),
          times(blob.wholeMs, blob.consoleMs),
        ],
      ],
    },
    {
      title: 'A disk for the stubdom, in turn',
      rows: [
        ['', 'attach, ms: median (range)', 'as fast', 'detach, ms: median (range)', 'as fast'],
        ...WAYS.map((way) => {
          const { attach: there, detach: away } = attach[way];
          const speed = [times(median(there), stock.attach), times(median(away), stock.detach)];
          return [NAMES[way], ms(there), speed[0] ?? '', ms(away), speed[1] ?? ''];
        }),
      ],
    },
  ];
}

export function xenMachineText({ date, xen, cpu, slowness }: XenResults): string {
  const clock =
    slowness === 1 ? '' : `; a second of its clock, by which all times are, is ${slowness} s of that machine`;
  return `Xen ${xen} with a Linux dom0 of one processor, emulated by QEMU (TCG) on ${cpu}, ${date}${clock}`;
}
