export { type ByteOrder, hex32, isLittle, viewOf } from './byte-order.js';
export { parseBytes } from './parse-bytes.js';
export { Cursor, type PullParser, type ReadRequest, type ReadResult } from './pull-parser.js';
export {
  type Draft,
  encodeRecordHeader,
  namesOf,
  paddingAfter,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  takePadding,
  takeRecordHeader,
} from './record.js';
export { utf8Text } from './text.js';
