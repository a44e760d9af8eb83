/**
 * Finds the section that a person names:
 *
 *     0000:00:03.0/e1000      its whole name
 *     e1000                   without the path of the device, if there is but one
 *     dma:1, apic:3           with its instance
 *     27                      its section id: in any state there is one of each
 */
import { printable, StubferryError } from '../../base/errors/index.js';
import { baseName } from './section-header.js';
import type { QevmSection } from './state.js';

const WITH_INSTANCE = /^(?<name>.+):(?<instance>\d{1,10})$/s;
/** Names in a message. */
const MOST_SHOWN = 40;

/**
 * @param where what the sections are of, for messages
 * @throws StubferryError NOT_IN_INPUT when there is none, or more than one
 */
export function selectSection(sections: readonly QevmSection[], wanted: string, where: string): QevmSection {
  // Parts of RAM have the id of its start.
  const choice = sections.filter(({ type }) => type === 'full' || type === 'start');
  const { name = '', instance } = WITH_INSTANCE.exec(wanted)?.groups ?? {};
  const of = (text: string): readonly QevmSection[][] => [
    choice.filter((section) => section.name === text),
    choice.filter((section) => baseName(section.name) === text),
  ];
  const withInstance = of(name).map((found) => found.filter((section) => section.instance === Number(instance)));
  const byId = /^\d{1,10}$/.test(wanted) ? choice.filter(({ id }) => id === Number(wanted)) : [];
  const found = [byId, ...of(wanted), ...withInstance].find((sections) => sections.length > 0) ?? [];
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
  const more = names.length > MOST_SHOWN ? `, and ${names.length - MOST_SHOWN} more` : '';
  return names.length === 0 ? 'no sections' : `${names.slice(0, MOST_SHOWN).join(', ')}${more}`;
}
