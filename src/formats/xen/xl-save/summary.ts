import type { ByteOrder } from '../../pull-parser/index.js';
import type { LibxlSummary } from '../libxl-stream/index.js';

/** The summary of an xl save file. */
export interface XlSaveSummary {
  readonly kind: 'xl-save';
  readonly byteOrder: ByteOrder;
  /** The flags as they are in the header. The layout in header.ts describes the bits. */
  readonly mandatoryFlags: number;
  readonly optionalFlags: number;
  /** The configuration of the domain, if there is one. */
  readonly config: XlConfig | undefined;
  readonly libxl: LibxlSummary | undefined;
}

/** The configuration of a domain. */
export interface XlConfig {
  /** `json` for a libxl_domain_config as JSON, `xl` for the text of an xl config file (Xen 4.4 and older). */
  readonly format: 'json' | 'xl';
  /** The text, not escaped, and without the NUL at its end. */
  readonly text: string;
  /** The offset of the text in the input. */
  readonly offset: number;
  /** The length of the text in bytes, including the NUL. */
  readonly length: number;
}
