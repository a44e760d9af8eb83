/**
 * Part consoles: moves the same state and the same blob over the consoles and over the transfer disk, side by side in
 * one boot.
 */
import { expect } from '@jest/globals';
import type { GuestOptions, HvmGuest } from '../guests/hvm-guest.js';
import { CONSOLE_STUBDOM } from '../guests/stubdoms.js';
import { HOST } from '../install/dom0-agent.js';
import type { Lab } from '../lab/lab.js';
import { quoted } from '../lab/quoted.js';
import { PICTURE } from './devices.js';
import { PLAIN } from './save-restore.js';
import { lastTransfer, runCheck, type Stage } from './stage.js';

const VCHAN_PROXY = '/usr/lib/xen-4.17/bin/vchan-socket-proxy';
const CONSOLES: GuestOptions = { name: 'consoles', stubdom: CONSOLE_STUBDOM };
const FILE = '/root/consoles.save';
const HOOK = `${HOST}/save-helper`;
const ROUNDS = 3;

const BLOB_MEBIBYTES = 32;
/** The length of the blob with the header and the end that make it a device state. */
const BLOB_BYTES = (BLOB_MEBIBYTES << 20) + 27;
const BLOB_MS = 60_000;
const KNOWN_TO_LIBXL_MS = 30_000;

/**
 * Returns a command that creates a device state with one section of random bytes, and prints its SHA-256.
 * @param folder a writable directory of the stubdom
 */
const makeBlob = (folder: string): string =>
  `(printf 'QEVM\\0\\0\\0\\003\\004\\0\\0\\0\\0\\004blob\\0\\0\\0\\0\\0\\0\\0\\001'; head -c $((${BLOB_MEBIBYTES} << 20)) /dev/urandom; printf '\\0') > ${folder}/blob && sha256sum < ${folder}/blob`;

/**
 * A program that runs a command, and prints how many milliseconds a file took to grow from its first new byte to its
 * last. It is one process, which mostly sleeps.
 */
const FILLED = `python3 -c 'import os, subprocess, sys, time
path, before, after = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def grown(to):
    while not os.path.exists(path) or os.stat(path).st_size < to: time.sleep(0.01)
    return time.time()
subprocess.run(sys.argv[4], shell=True, check=True)
since = grown(before + 1)
print(round((grown(after) - since) * 1000))'`;

/**
 * A program that runs a command and prints each line of its output with the time of its arrival, in seconds. The
 * program is already running when the command starts.
 */
export const STAMPED = `python3 -c 'import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
for line in child.stdout: print("%.4f" % time.time(), line.decode("latin1"), end="")
sys.exit(child.wait())'`;

export function comparesWithConsoles(stage: Stage): void {
  stage.test(
    'the small state is saved over the console and over the disk, and both times are reported',
    async (lab) => {
      await stage.agent(lab);
      const [consoles, plain] = [await stage.guest(lab, CONSOLES), await stage.guest(lab, PLAIN)];
      const times = { console: [] as number[], stubferry: [] as number[], hooked: [] as number[] };
      // The backend of console 1 continues its file where it ended before, so that a stubdom supports only one save.
      times.console.push(await stoppedMs(lab, consoles, ''));
      for (let round = 0; round < ROUNDS; round += 1) {
        times.stubferry.push(await stoppedMs(lab, plain, ''));
        times.hooked.push(await stoppedMs(lab, plain, `LIBXL_SAVE_HELPER=${HOOK}`));
      }
      stage.session.measured({ stopped: times });
      const { report } = stage.session;
      report.remark(`stop and save of the small state over the console: ${times.console.join(', ')} ms`);
      report.remark(
        `stop and save by stubferry, with the disk attached by the save hook: ${times.hooked.join(', ')} ms`,
      );
      report.remark(
        `stop and save by stubferry, with the disk attached during the save: ${times.stubferry.join(', ')} ms`,
      );
      expect([...times.console, ...times.hooked, ...times.stubferry].every((ms) => ms > 0)).toBe(true);
    },
  );

  stage.test('32 MiB arrive over the console, a vchan and the disk, which is faster than the console', async (lab) => {
    await stage.agent(lab);
    const [consoles, picture] = [await stage.guest(lab, CONSOLES), await stage.guest(lab, PICTURE)];
    const slow = await blobOverConsole(lab, consoles);
    const vchan = await blobOverVchan(lab, picture);
    const limit = await blobToDisk(lab, picture);
    const fast = await blobOverDisk(lab, picture, 'sha256');
    const chained = await blobOverDisk(lab, picture, 'chain');
    const speed = (ms: number): string => `${((BLOB_MEBIBYTES * 1000) / ms).toFixed(1)} MiB/s`;
    stage.session.measured({
      blob: {
        ...{ mebibytes: BLOB_MEBIBYTES, consoleMs: slow, vchanMs: vchan, diskMs: limit },
        ...{ stubferryMs: fast.moved, wholeMs: fast.whole, chainMs: chained.moved },
      },
    });
    const { report } = stage.session;
    report.remark(`32 MiB over the console: ${slow} ms, ${speed(slow)}; over a vchan: ${vchan} ms, ${speed(vchan)}`);
    report.remark(`32 MiB by dd to a disk of the same kind, without a reader: ${limit} ms, ${speed(limit)}`);
    report.remark(
      `32 MiB by stubferry: ${fast.moved} ms, ${speed(fast.moved)}, 1/${(slow / fast.moved).toFixed(1)}; ` +
        `including the time to create and attach the disk ${fast.whole} ms, 1/${(slow / fast.whole).toFixed(1)}`,
    );
    expect(Math.max(fast.moved, chained.moved)).toBeLessThan(slow);
    await stage.end(consoles);
  });
}

/**
 * Returns the time from `stop` to the reply to `xen-save-devices-state`, as libxl sends and receives them, in
 * milliseconds.
 */
async function stoppedMs(lab: Lab, guest: HvmGuest, environment: string): Promise<number> {
  const log = await lab.check(`${environment} ${STAMPED} xl -vvv save -c ${guest.name} ${FILE}`, {
    timeoutMs: BLOB_MS,
  });
  const stop = /^(\d+\.\d+) .*ev (0x[0-9a-f]+), cmd 'stop'$/m.exec(log);
  const saved = /^\d+\.\d+ .*cmd 'xen-save-devices-state'$/m.exec(log);
  const over = log.slice(saved?.index ?? log.length);
  const reply = new RegExp(`^(\\d+\\.\\d+) .* ev ${stop?.[2]}$`, 'm').exec(over);
  if (stop?.[1] === undefined || reply?.[1] === undefined) throw new Error(`the log of xl contains no save:\n${log}`);
  await guest.untilCounting();
  return Math.round((Number(reply[1]) - Number(stop[1])) * 1000);
}

/** Sends the blob over the console. @returns milliseconds from its first byte in dom0's file to its last */
async function blobOverConsole(lab: Lab, guest: HvmGuest): Promise<number> {
  const stubdom = await guest.stubdomId();
  const home = `/local/domain/${stubdom}/data`;
  const inStubdom = async (command: string): Promise<string> => {
    await lab.check(
      `xenstore-rm ${home}/result; xenstore-write ${home}/command "$COMMAND"`.replace('"$COMMAND"', quoted(command)),
    );
    const result = await lab.check(`until xenstore-read ${home}/result 2> /dev/null; do sleep 0.1; done`, {
      timeoutMs: BLOB_MS,
    });
    if (!result.startsWith('0 ')) throw new Error(`in the stubdom: ${command}: ${result}`);
    return result.slice(2).trim();
  };
  const digest = await inStubdom(makeBlob('/tmp'));
  const file = `/var/lib/xen/qemu-save.${guest.domid}`;
  const before = Number(await lab.check(`stat -c %s ${file}`));
  const command = `xenstore-write ${home}/command 'cat /tmp/blob > /dev/hvc1'`;
  const ms = await filled(lab, file, before, command);
  expect(await lab.check(`tail -c +${before + 1} ${file} | sha256sum`)).toContain(digest.slice(0, 64));
  return ms;
}

/**
 * Runs a command that sends the blob to a file of dom0.
 * @param before the length of the file before
 * @returns milliseconds from the first byte in the file to the last
 */
async function filled(lab: Lab, file: string, before: number, command: string): Promise<number> {
  const size = before + BLOB_BYTES;
  return Number(await lab.check(`${FILLED} ${file} ${before} ${size} ${quoted(command)}`, { timeoutMs: BLOB_MS }));
}

/**
 * Sends the blob with Debian's vchan-socket-proxy, which also transports QMP. It verifies nothing, and makes nothing
 * durable.
 */
async function blobOverVchan(lab: Lab, guest: HvmGuest): Promise<number> {
  const stubdom = await guest.stubdomId();
  const sent = await guest.inStubdom(makeBlob('/run'), BLOB_MS);
  const file = '/root/vchan.blob';
  // The program ends when its standard input ends.
  const client = `tail -f /dev/null | ${VCHAN_PROXY} ${stubdom} /local/domain/${stubdom}/data/vchan - > ${file}`;
  await lab.check(`rm -f ${file}; setsid bash -c ${quoted(client)} < /dev/null > /dev/null 2>&1 &`);
  // The program does not always end when its input ends. The PID is needed to kill it.
  const serve = 'vchan-socket-proxy --mode=server 0 data/vchan - < /run/blob > /dev/null 2>&1 & echo $! > /run/vchan';
  const { start } = await guest.forStubdom(serve);
  const ms = await filled(lab, file, 0, start);
  expect(await lab.check(`sha256sum < ${file}`)).toContain(sent.slice(0, 64));
  await guest.inStubdom('kill $(cat /run/vchan) || true', BLOB_MS);
  await lab.check(`pkill -f ${quoted('[t]ail -f /dev/null')}; rm ${file}`);
  return ms;
}

/**
 * Only writes the blob to a disk that is attached in the same way, which is the minimum for any transfer over a disk.
 * @returns milliseconds, in steps of 10
 */
async function blobToDisk(lab: Lab, guest: HvmGuest): Promise<number> {
  const [stubdom, image, disk] = [await guest.stubdomId(), '/dev/shm/limit.img', 'xvdx'];
  await lab.check(`truncate -s ${BLOB_MEBIBYTES}M ${image}`);
  const known = await runCheck(lab, 'known-to-libxl', `${stubdom}`, KNOWN_TO_LIBXL_MS);
  if (known.status !== 0) throw new Error(`known-to-libxl.ts: ${known.status}: ${known.stderr}`);
  await lab.check(`xl block-attach ${stubdom} format=raw,vdev=${disk},access=rw,target=${image}`);
  const now = "$(cut -d ' ' -f 1 /proc/uptime)";
  const dd = `dd if=/run/blob of=/dev/${disk} bs=1M count=${BLOB_MEBIBYTES} oflag=direct 2> /dev/null`;
  const appeared = `until [ -b /dev/${disk} ]; do sleep 0.1; done`;
  const printed = await guest.inStubdom(`${appeared}; since=${now}; ${dd} && echo "from $since to ${now}"`, BLOB_MS);
  await lab.check(`xl block-detach ${stubdom} ${disk} && rm ${image}`);
  const [, since, until] = /^from ([\d.]+) to ([\d.]+)$/m.exec(printed) ?? [];
  if (since === undefined || until === undefined) throw new Error(`the stubdom printed no times of dd:\n${printed}`);
  return Math.round((Number(until) - Number(since)) * 1000);
}

/** Sends the blob with the agent of the image, because no QEMU writes a state of that size. */
async function blobOverDisk(
  lab: Lab,
  guest: HvmGuest,
  digest: 'sha256' | 'chain',
): Promise<{ readonly moved: number; readonly whole: number }> {
  const sent = await guest.inStubdom(makeBlob('/run'), BLOB_MS);
  const send = `node /usr/lib/stubferry/dist/agent.cjs agent stubdom --digest ${digest} --xenstore /dev/xen/xenbus --source /run/blob`;
  const file = `/var/lib/xen/qemu-save.${guest.domid}`;
  await lab.check(`rm -f ${file}`);
  const { start, ended } = await guest.forStubdom(send);
  await filled(lab, file, 0, start);
  await ended(BLOB_MS);
  const { timings } = await lastTransfer(lab);
  expect(await lab.check(`sha256sum < ${file}`)).toContain(sent.slice(0, 64));
  const { requested = Number.NaN, receiving = Number.NaN, committed = Number.NaN } = timings;
  return { moved: Math.round(committed - receiving), whole: Math.round(committed - requested) };
}
