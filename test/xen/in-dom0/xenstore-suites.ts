/** The suites of test/unit/xen/xenstore that need nothing but a xenstored, in one program. */
import '../../unit/xen/xenstore/client.test.js';
import '../../unit/xen/xenstore/transaction.test.js';
import '../../unit/xen/xenstore/watch.test.js';
