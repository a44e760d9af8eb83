/** Reads the guest type from a JSON config. The reader needs it to check whether the rest of the file is complete. */
import type { Cursor } from '../../pull-parser/index.js';
import type { XlConfig } from './summary.js';

/**
 * Returns `hvm`, `pv` or `pvh`, or undefined when the config does not contain the guest type.
 *
 * @throws StubferryError CORRUPT: when the config is declared as JSON, but is not JSON
 */
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
    throw cursor.error('CORRUPT', 'the config in the xl save file is declared as JSON, but is not JSON', {
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
