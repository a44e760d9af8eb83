/** One machine's copy of the product, loaded. */

/** The formats, for whoever writes blocks of their own. */
export interface Codec {
  readonly control: typeof import('../../../src/codec/control-block.js');
  readonly frame: typeof import('../../../src/codec/frame.js');
  readonly layout: typeof import('../../../src/channel/disk-layout.js');
  readonly records: typeof import('../../../src/codec/records.js');
  readonly superblock: typeof import('../../../src/codec/superblock.js');
  readonly uuid: typeof import('../../../src/codec/uuid.js');
  readonly xxh64: typeof import('../../../src/codec/xxh64.js');
}

export interface Product {
  readonly codec: Codec;
  readonly agents: typeof import('../../../src/agents/index.js');
  readonly channel: typeof import('../../../src/channel/index.js');
  readonly transfer: typeof import('../../../src/service/service-transfer.js');
  readonly folder: typeof import('../../../src/service/transfer-folder.js');
  readonly leftovers: typeof import('../../../src/service/leftovers.js');
  readonly lock: typeof import('../../../src/service/service-lock.js');
  readonly devices: typeof import('../../../src/blockdev-utils/index.js');
  readonly statefile: typeof import('../../../src/statefile/index.js');
  readonly endpoints: typeof import('../../../src/endpoints/index.js');
  readonly host: typeof import('../platform/host.js');
}

/** @param url of its folder */
export async function loadProduct(url: URL): Promise<Product> {
  const load = async (path: string) => import(new URL(path, url).href);
  const codec: Codec = {
    control: await load('codec/control-block.js'),
    frame: await load('codec/frame.js'),
    layout: await load('channel/disk-layout.js'),
    records: await load('codec/records.js'),
    superblock: await load('codec/superblock.js'),
    uuid: await load('codec/uuid.js'),
    xxh64: await load('codec/xxh64.js'),
  };
  return {
    codec,
    agents: await load('agents/index.js'),
    channel: await load('channel/index.js'),
    transfer: await load('service/service-transfer.js'),
    folder: await load('service/transfer-folder.js'),
    leftovers: await load('service/leftovers.js'),
    lock: await load('service/service-lock.js'),
    devices: await load('blockdev-utils/index.js'),
    statefile: await load('statefile/index.js'),
    endpoints: await load('endpoints/index.js'),
    host: await load('platform/host.js'),
  };
}
