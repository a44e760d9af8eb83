export { type ByteOrder, hex32, isLittle, viewOf } from './byte-order.js';
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
export { type Answer, type Ask, Place, type Walk } from './walk.js';
export { walkBytes } from './walk-bytes.js';
