/** What an xl save file turned out to hold. */

import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxlSummary } from '../libxl-stream/index.js';

export interface XlSaveSummary {
  readonly kind: 'xl-save';
  readonly byteOrder: ByteOrder;
  /** As they stand in the header: flags.ts. */
  readonly mandatoryFlags: number;
  readonly optionalFlags: number;
  /** The domain's configuration, where there is one. */
  readonly config: XlConfig | undefined;
  readonly libxl: LibxlSummary | undefined;
}

export interface XlConfig {
  /** JSON of libxl_domain_config, or the text of an xl config file (Xen 4.4 and older). */
  readonly format: 'json' | 'xl';
  /** Not escaped; without the NUL that ends it. */
  readonly text: string;
  /** Where it stands, bytes from the beginning of the input. */
  readonly offset: number;
  /** Bytes, with the NUL. */
  readonly length: number;
}
