/** A progress bar on standard error, when that is a terminal; else nothing. */
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressBar {
  update(value: number, label: string): void;
  stop(): void;
}

const NO_BAR: ProgressBar = { update: () => undefined, stop: () => undefined };

/** @param total what `value` counts up to. @param wanted false hides it, as `--json` does */
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
