/**
 * Loaded into an agent before its program. At the end it writes the resource usage to the descriptor of the agent's
 * events.
 */
import { writeSync } from 'node:fs';

const EVENTS_FD = 3;

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpuMs: (userCPUTime + systemCPUTime) / 1000, peakKib: maxRSS };
  writeSync(EVENTS_FD, `${JSON.stringify({ event: 'usage', usage })}\n`);
});
