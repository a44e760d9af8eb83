export { atMost, type Clock, systemClock } from './clock.js';
export { EventLoopYield } from './event-loop-yield.js';
export { StallTimer } from './stall-timer.js';
export { untilAborted } from './until-aborted.js';
