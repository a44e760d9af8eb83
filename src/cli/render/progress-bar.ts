/** A progress bar on standard error. There is none when standard error is not a terminal. */
import { Presets, SingleBar } from 'cli-progress';

/** A running progress bar. */
export interface ProgressBar {
  update(value: number, label: string): void;
  stop(): void;
}

const NO_BAR: ProgressBar = { update: () => undefined, stop: () => undefined };

/** Shows a progress bar. @param total the final value. @param wanted false hides the bar, as for `--json` */
export function startBar(total: number, wanted: boolean): ProgressBar {
  if (!wanted || !process.stderr.isTTY) return NO_BAR;
  const options = {
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    format: ' {bar} {value}/{total} {label}',
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(total, 0, { label: '' });
  return {
    update: (value, label) => bar.update(value, { label }),
    stop: () => bar.stop(),
  };
}
