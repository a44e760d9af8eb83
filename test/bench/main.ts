/** `npm run bench`: prints what was measured in this run, on this machine, and nothing else. `--json` for a document. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gateLatency } from './gate.js';
import { latency } from './latency.js';
import { median, quantile, spread } from './statistics.js';
import { throughput, throughputRows } from './throughput.js';

const FIXTURES = new URL('../../fixtures/', import.meta.url).pathname;

function print(title: string, rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  process.stdout.write(`${title}\n${rows.map((row) => `  ${line(row).trimEnd()}`).join('\n')}\n\n`);
}

const folder = mkdtempSync('/dev/shm/stubferry-bench-');
try {
  const flows = await throughput(folder);
  const small = await latency(folder, 'minimal guest, real Xen', join(FIXTURES, 'xen-states/xen-minimal.qevm'));
  const large = await latency(
    folder,
    'pc with e1000, USB and VGA',
    join(FIXTURES, 'device-states/pc-default.xen.qevm.gz'),
  );
  const gated = await gateLatency(folder);
  if (gated === undefined) process.stderr.write('left out, needs qemu-system-x86_64: the gate against a plain file\n');
  if (process.argv.includes('--json')) {
    process.stdout.write(
      `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, throughput: flows, latency: [small, large], gate: gated })}\n`,
    );
  } else {
    process.stdout.write(
      `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n\n`,
    );
    print('1 GiB through a 32 MiB ring, tmpfs to /dev/null, 5 rounds in turn', [
      ['', 'GiB/s: median (range)', 'ratio to the pipe'],
      ...throughputRows(flows),
    ]);
    const ms = (value: number): string => `${value.toFixed(2)} ms`;
    print(`first byte offered to COMMITTED, both agents waiting, ${small.samples.length} transfers each`, [
      ['', 'bytes', 'p50', 'p99', 'worst'],
      ...[small, large].map(({ name, bytes, samples }) => [
        name,
        `${bytes}`,
        ms(quantile(samples, 0.5)),
        ms(quantile(samples, 0.99)),
        ms(Math.max(...samples)),
      ]),
    ]);
    if (gated !== undefined) {
      const { bytes, plainFile, gate } = gated;
      const pairs = gate.map((through, index) => ({ through, plain: plainFile[index] ?? Number.NaN }));
      const more = median(pairs.map(({ through, plain }) => through - plain));
      const ratio = median(pairs.map(({ through, plain }) => through / plain));
      print(`QMP save command to its reply, ${bytes} bytes of device state, ${gate.length} saves each in turn`, [
        ['', 'ms: median (range)', 'ratio', 'difference'],
        ['QEMU to a plain file on tmpfs', spread(plainFile), '1.00', ''],
        ['through the gate, COMMITTED in dom0', spread(gate), ratio.toFixed(2), `${more.toFixed(2)} ms`],
      ]);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
