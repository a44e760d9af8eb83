/** A program with the suites of test/unit/xen/xenstore that need only a xenstored. */
import '../../unit/xen/xenstore/client.test.js';
import '../../unit/xen/xenstore/transaction.test.js';
import '../../unit/xen/xenstore/watch.test.js';
