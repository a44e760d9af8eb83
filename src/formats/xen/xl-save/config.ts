/** The little of a JSON config that says whether the rest of the file fits it. */
import type { Cursor } from '../../pull-parser/index.js';
import type { XlConfig } from './summary.js';

/** `hvm`, `pv` or `pvh`; undefined where the config does not say. @throws StubferryError CORRUPT when it is no JSON */
export function guestTypeIn(cursor: Cursor, config: XlConfig): string | undefined {
  if (config.format !== 'json') return undefined;
  const domain = field(parsed(cursor, config), 'c_info');
  const type = field(domain, 'type');
  return typeof type === 'string' ? type : undefined;
}

function parsed(cursor: Cursor, config: XlConfig): unknown {
  try {
    return JSON.parse(config.text);
  } catch (cause) {
    throw cursor.error('CORRUPT', 'the config in the xl save file is no JSON, though its flag says so', {
      offset: config.offset,
      expected: 'JSON of libxl_domain_config',
      found: 'other text',
      cause,
    });
  }
}

function field(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null;
  return isObject ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
