/** Loads the copy of the product for one machine. */

/** The formats, for hostile agents, which write their own blocks. */
export interface Codec {
  readonly control: typeof import('../../../src/formats/protocol/control-block.js');
  readonly frame: typeof import('../../../src/formats/protocol/frame.js');
  readonly layout: typeof import('../../../src/transfer/ring/disk-layout.js');
  readonly records: typeof import('../../../src/formats/protocol/records.js');
  readonly superblock: typeof import('../../../src/formats/protocol/superblock.js');
  readonly uuid: typeof import('../../../src/formats/protocol/uuid.js');
  readonly xxh64: typeof import('../../../src/formats/protocol/xxh64.js');
}

export interface Product {
  readonly codec: Codec;
  readonly agents: typeof import('../../../src/agents/index.js');
  readonly time: typeof import('../../../src/base/time/index.js');
  readonly channel: typeof import('../../../src/transfer/ring/index.js');
  readonly transfer: typeof import('../../../src/service/service-transfer.js');
  readonly directory: typeof import('../../../src/service/transfer-directory.js');
  readonly orphans: typeof import('../../../src/service/orphans.js');
  readonly lock: typeof import('../../../src/service/service-lock.js');
  readonly devices: typeof import('../../../src/blockdev-utils/index.js');
  readonly statefile: typeof import('../../../src/formats/statefile/index.js');
  readonly endpoints: typeof import('../../../src/io/index.js');
  readonly host: typeof import('../platform/host.js');
}

/** Loads a copy. @param url the URL of its directory, with a slash at its end */
export async function loadProduct(url: URL): Promise<Product> {
  const load = async (path: string) => import(new URL(path, url).href);
  const codec: Codec = {
    control: await load('formats/protocol/control-block.js'),
    frame: await load('formats/protocol/frame.js'),
    layout: await load('transfer/ring/disk-layout.js'),
    records: await load('formats/protocol/records.js'),
    superblock: await load('formats/protocol/superblock.js'),
    uuid: await load('formats/protocol/uuid.js'),
    xxh64: await load('formats/protocol/xxh64.js'),
  };
  return {
    codec,
    agents: await load('agents/index.js'),
    time: await load('base/time/index.js'),
    channel: await load('transfer/ring/index.js'),
    transfer: await load('service/service-transfer.js'),
    directory: await load('service/transfer-directory.js'),
    orphans: await load('service/orphans.js'),
    lock: await load('service/service-lock.js'),
    devices: await load('blockdev-utils/index.js'),
    statefile: await load('formats/statefile/index.js'),
    endpoints: await load('io/index.js'),
    host: await load('platform/host.js'),
  };
}
