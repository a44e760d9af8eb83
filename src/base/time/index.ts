export { atMost, type Clock, systemClock } from './clock.js';
export { LoopTurn } from './loop-turn.js';
export { Patience } from './patience.js';
export { untilAborted } from './until-aborted.js';
