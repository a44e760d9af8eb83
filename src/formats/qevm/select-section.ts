/**
 * Finds the section that a user names:
 *
 *     0000:00:03.0/e1000      the full name
 *     e1000                   the name without the path of the device, if only one section has it
 *     dma:1, apic:3           the name and the instance
 *     27                      the section id, which is unique
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { baseName } from './section-header.js';
import type { QevmSection } from './state.js';

const WITH_INSTANCE = /^(?<name>.+):(?<instance>\d{1,10})$/s;
/** Largest number of names in a message. */
const MAX_NAMES = 40;

/**
 * Returns the section that `wanted` names.
 *
 * @param where the name of the state's source, for messages
 * @throws StubferryError NOT_IN_INPUT: when no section, or more than one, has this name
 */
export function selectSection(sections: readonly QevmSection[], wanted: string, where: string): QevmSection {
  // Part and end sections of RAM have the id of the start section.
  const choice = sections.filter(({ type }) => type === 'full' || type === 'start');
  const { name = '', instance } = WITH_INSTANCE.exec(wanted)?.groups ?? {};
  const byName = (text: string): readonly QevmSection[][] => [
    choice.filter((section) => section.name === text),
    choice.filter((section) => baseName(section.name) === text),
  ];
  const withInstance = byName(name).map((found) => found.filter((section) => section.instance === Number(instance)));
  const byId = /^\d{1,10}$/.test(wanted) ? choice.filter(({ id }) => id === Number(wanted)) : [];
  const found = [byId, ...byName(wanted), ...withInstance].find((sections) => sections.length > 0) ?? [];
  const [section, another] = found;
  if (section !== undefined && another === undefined) return section;
  const isNone = section === undefined;
  throw new StubferryError(
    'NOT_IN_INPUT',
    `${isNone ? 'no' : 'more than one'} section is called ${printable(wanted)}`,
    {
      where,
      expected: 'NAME, NAME:INSTANCE or a section id',
      found: listed(isNone ? choice : found),
    },
  );
}

function listed(sections: readonly QevmSection[]): string {
  const names = sections.map(
    ({ id, name, instance }) => `${printable(name)}${instance === 0 ? '' : `:${instance}`} (${id})`,
  );
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : '';
  return names.length === 0 ? 'no sections' : `${names.slice(0, MAX_NAMES).join(', ')}${more}`;
}
