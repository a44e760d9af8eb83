/**
 * Whether a state whose sections had to be inferred breaks off in the last one.
 *
 * Such a state says nothing of its length: cut anywhere, it looks whole if it happens to end in 0x00, and bodies are full of
 * zeros (5738 of the 6674 places of a minimal Xen guest's state). But what is cut off is missing in the last section, and
 * how long the bodies of common devices are is known:
 *
 *     body shorter than any that QEMU writes for this device            it was cut within the body
 *     a whole body, and then 0x04, with which the next section begins   it was cut within the next header
 *
 * A body may be longer than what is known (a subsection begins with 0x05, never 0x04): that is no sign. Devices that are
 * not known are believed.
 */
import { StubferryError } from '../errors/index.js';
import { baseName, type QevmSection, type QevmState, USUAL_BODIES } from '../qevm/index.js';

const SECTION_FULL = 0x04;

/** @param offset of the state in its container. @throws StubferryError TRUNCATED */
export function checkLastSection(state: QevmState, where: string, offset: number): void {
  const last = state.sections.at(-1);
  if (state.split !== 'inferred' || last === undefined || !last.inferred) return;
  const usual = USUAL_BODIES[baseName(last.name)];
  if (usual === undefined) return;
  const [shortest] = usual;
  if (last.bodyLength >= shortest && !usual.some((length) => anotherBegins(state, last, length))) return;
  const short = last.bodyLength < shortest;
  throw new StubferryError('TRUNCATED', 'the QEMU state breaks off in its last section', {
    where,
    offset: offset + state.bytes,
    expected: short
      ? `at least ${shortest} bytes in the body of ${last.name}`
      : `the section that begins behind ${last.name}`,
    found: short ? `${last.bodyLength} bytes` : 'the beginning of its header',
    hint: 'it was not completely written or copied: save it again or copy it again',
  });
}

function anotherBegins(state: QevmState, last: QevmSection, length: number): boolean {
  return last.bodyLength > length && state.bodyOf(last)?.[length] === SECTION_FULL;
}
