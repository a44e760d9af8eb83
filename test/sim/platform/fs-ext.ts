/** Replaces `fs-ext`: locks and sizes. */
import { self } from './host.js';

export default {
  flockSync: (fd: number, _how: 'exnb'): void => {
    const process = self();
    process.sync('flock', () => process.machine.files.lock(process.file(fd)));
  },
  seekSync: (fd: number, _offset: number, _whence: number): number => self().file(fd).inode.medium?.size ?? 0,
};
