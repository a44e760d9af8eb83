/** The suites of test/xenstore that need nothing but a xenstored, in one program. */
import '../../xenstore/client.test.js';
import '../../xenstore/transaction.test.js';
import '../../xenstore/watch.test.js';
