/** Encodes libvirt save files from src/qemu/qemu_saveimage.h of libvirt, independently of the parser. */
import type { ByteOrder } from '../../../src/formats/pull-parser/index.js';
import { u32 } from '../pull-parser/numbers.js';

export interface LibvirtHead {
  readonly magic: string;
  readonly order: ByteOrder;
  readonly version: number;
  readonly running: number;
  readonly format: number;
  readonly xml: string;
  readonly cookie: string | undefined;
  /** The number of zeros after the texts, which libvirt leaves for edits. */
  readonly room: number;
}

export const LIBVIRT: LibvirtHead = {
  magic: 'LibvirtQemudSave',
  order: 'little',
  version: 2,
  running: 1,
  format: 0,
  xml: "<domain type='kvm'><name>guest</name></domain>",
  cookie: undefined,
  room: 64,
};

export function libvirtHead(head: Partial<LibvirtHead> = {}): Buffer {
  const { magic, order, version, running, format, xml, cookie, room } = { ...LIBVIRT, ...head };
  const texts = [xml, cookie].flatMap((text) => (text === undefined ? [] : [Buffer.from(`${text}\0`, 'utf8')]));
  const data = Buffer.concat([...texts, Buffer.alloc(room)]);
  const cookieOffset = cookie === undefined ? 0 : (texts[0]?.length ?? 0);
  const numbers = [version, data.length, running, format, cookieOffset, ...Array.from({ length: 14 }, () => 0)];
  return Buffer.concat([Buffer.from(magic), ...numbers.map((number) => u32(number, order)), data]);
}
