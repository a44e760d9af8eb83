/** Loaded into an agent before its program: at its end it tells, on the descriptor of its events, what it has used. */
import { writeSync } from 'node:fs';

const EVENTS_FD = 3;

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakKib: maxRSS };
  writeSync(EVENTS_FD, `${JSON.stringify({ event: 'usage', usage })}\n`);
});
