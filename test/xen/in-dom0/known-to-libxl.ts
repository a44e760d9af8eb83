/**
 * Creates the libxl userdata of a stubdom that `xl block-attach` needs:
 *
 *     node known-to-libxl.mjs STUBDOM
 */
import { LIBXL_DIR, makeUserdata } from '../../../src/xen/hotplug/libxl-userdata.js';
import { XenstoreClient } from '../../../src/xen/xenstore/index.js';

const store = await XenstoreClient.connect();
await makeUserdata(store, Number(process.argv[2]), LIBXL_DIR);
await store.close();
