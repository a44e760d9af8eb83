/*
 * The hypervisor calls that Debian's xenstored 4.17 makes, so that the real program runs on a machine without Xen, with
 * domains that it treats as real: with owned nodes, permissions, and the removal of their nodes.
 *
 *     LD_PRELOAD=hypervisor.so XENSTORED_RUNDIR=DIR xenstored -N
 *
 *     client in "domain 7" --DIR/domain-7--> (pty) thread --ring page--> xenstored <--DIR/socket-- client in dom0
 *
 * It replaces functions of libxenctrl, libxengnttab and libxenevtchn. When dom0 introduces a domain, the character
 * device of the domain is created: it acts as its /dev/xen/xenbus, and a thread acts as its kernel. The ring is that of
 * xs_wire.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#define RING 1024
#define PAGE 4096
#define DOMAINS 64
/* The port numbers that xenstored gets: any number but 0. */
#define PORT_OF(domid) ((int)(domid) + 1)

struct ring {
  char req[RING], rsp[RING];
  uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
};

#define HEADER 16
#define MESSAGE 4096

static struct domain {
  struct ring *ring;
  int device, device_end, wake, over;
  pthread_t kernel;
  char path[256];
  /* The incomplete request, in the one buffer that Linux has for an open file; then the bytes for the ring. */
  char buffer[MESSAGE], out[2 * MESSAGE];
  uint32_t buffered, out_length, out_done;
} domains[DOMAINS];

/* The event descriptor that wakes xenstored. */
static int events = -1;

static void signal_event(int fd) {
  if (eventfd_write(fd, 1) != 0) abort();
}

static uint32_t load(uint32_t *index) { return __atomic_load_n(index, __ATOMIC_ACQUIRE); }
static void store(uint32_t *index, uint32_t value) { __atomic_store_n(index, value, __ATOMIC_RELEASE); }

/* The number of bytes until the header, or else the request in the buffer, is complete. */
static uint32_t missing(struct domain *domain) {
  uint32_t length;
  memcpy(&length, domain->buffer + 12, sizeof length);
  if (domain->buffered < HEADER) return HEADER - domain->buffered;
  if (HEADER + length > MESSAGE) abort();
  return HEADER + length - domain->buffered;
}

static int has_input(int fd, int timeout) {
  struct pollfd input = {fd, POLLIN, 0};
  return poll(&input, 1, timeout) == 1 && (input.revents & POLLIN);
}

/* Reads available bytes of a request. Returns whether it is complete; -1 when the device is closed. */
static int read_request(struct domain *domain) {
  ssize_t n = read(domain->device, domain->buffer + domain->buffered, missing(domain));
  if (n < 0) return -1;
  domain->buffered += n;
  return domain->buffered >= HEADER && missing(domain) == 0;
}

static void put_out(struct domain *domain, const char *bytes, uint32_t length) {
  memcpy(domain->out + domain->out_length, bytes, length);
  domain->out_length += length;
}

/*
 * Queues the request like Linux (xenbus_dev_request_and_reply): a copy of the header, and a reference to the rest in
 * the buffer. A client that writes the next request before this one is in the ring sends the rest of the next request
 * with the header of this one.
 */
static int queue_request(struct domain *domain) {
  char header[HEADER];
  uint32_t length = domain->buffered;
  memcpy(header, domain->buffer, HEADER);
  domain->out_length = domain->out_done = domain->buffered = 0;
  int has_next = has_input(domain->device, 1);
  while (has_next) {
    int complete = read_request(domain);
    if (complete < 0) return -1;
    if (complete) break;
  }
  put_out(domain, header, HEADER);
  put_out(domain, domain->buffer + HEADER, length - HEADER);
  if (has_next) put_out(domain, domain->buffer, domain->buffered);
  domain->buffered = 0;
  return 0;
}

/* Moves the available bytes between ring and device. Returns whether any were moved; -1 when the device is closed. */
static int move_bytes(struct domain *domain) {
  struct ring *ring = domain->ring;
  char bytes[RING];
  uint32_t cons = ring->rsp_cons, replies = load(&ring->rsp_prod) - cons;
  for (uint32_t i = 0; i < replies; i++) bytes[i] = ring->rsp[(cons + i) % RING];
  for (uint32_t done = 0; done < replies;) {
    ssize_t n = write(domain->device, bytes + done, replies - done);
    if (n < 0) return -1;
    done += n;
  }
  store(&ring->rsp_cons, cons + replies);

  uint32_t prod = ring->req_prod, room = RING - (prod - load(&ring->req_cons));
  uint32_t requests = domain->out_length - domain->out_done;
  if (requests > room) requests = room;
  for (uint32_t i = 0; i < requests; i++) ring->req[(prod + i) % RING] = domain->out[domain->out_done + i];
  domain->out_done += requests;
  store(&ring->req_prod, prod + requests);

  if (replies + requests > 0) signal_event(events);
  return replies + requests > 0;
}

/* The kernel of a domain: copies bytes from the device to the ring and from the ring to the device. */
static void *run_kernel(void *of) {
  struct domain *domain = of;
  while (!__atomic_load_n(&domain->over, __ATOMIC_ACQUIRE)) {
    int moved = move_bytes(domain);
    if (moved < 0) return NULL;
    if (moved) continue;
    int is_free = domain->out_done == domain->out_length;
    struct pollfd fds[] = {{domain->wake, POLLIN, 0}, {domain->device, is_free ? POLLIN : 0, 0}};
    if (poll(fds, 2, -1) < 0) abort();
    if (fds[0].revents) {
      eventfd_t ignored;
      eventfd_read(domain->wake, &ignored);
    }
    if (fds[1].revents & POLLIN) {
      int complete = read_request(domain);
      if (complete < 0 || (complete && queue_request(domain) < 0)) return NULL;
    }
  }
  return NULL;
}

/* Creates the device: a pseudo-terminal in raw mode is a character device that transfers bytes unchanged. */
static int make_device(struct domain *domain, unsigned domid) {
  struct termios raw;
  domain->device = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (domain->device < 0 || grantpt(domain->device) != 0 || unlockpt(domain->device) != 0) return -1;
  /* Stays open, so that the device does not hang up between two clients. */
  domain->device_end = open(ptsname(domain->device), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (domain->device_end < 0 || tcgetattr(domain->device_end, &raw) != 0) return -1;
  cfmakeraw(&raw);
  if (tcsetattr(domain->device_end, TCSANOW, &raw) != 0) return -1;
  snprintf(domain->path, sizeof domain->path, "%s/domain-%u", getenv("XENSTORED_RUNDIR"), domid);
  unlink(domain->path);
  return symlink(ptsname(domain->device), domain->path);
}

/* Maps the page with the ring, which a domain grants to xenstored. */
void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t ref, int prot) {
  struct domain *domain = &domains[domid];
  if (domid >= DOMAINS) return NULL;
  memset(domain, 0, sizeof *domain);
  domain->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  domain->ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (make_device(domain, domid) != 0 || pthread_create(&domain->kernel, NULL, run_kernel, domain) != 0) return NULL;
  return domain->ring;
}

/* Called when the domain has ended. */
int xengnttab_unmap(void *handle, void *page, uint32_t count) {
  for (struct domain *domain = domains; domain < domains + DOMAINS; domain++) {
    if (domain->ring != page) continue;
    __atomic_store_n(&domain->over, 1, __ATOMIC_RELEASE);
    signal_event(domain->wake);
    /* Close this end first, because the kernel thread may be waiting for a client that does not read. */
    close(domain->device_end);
    tcflush(domain->device, TCIOFLUSH);
    pthread_join(domain->kernel, NULL);
    close(domain->device);
    close(domain->wake);
    unlink(domain->path);
    munmap(page, PAGE);
    domain->ring = NULL;
  }
  return 0;
}

void *xengnttab_open(void *logger, unsigned flags) { return &events; }
int xengnttab_close(void *handle) { return 0; }
int xengnttab_set_max_grants(void *handle, uint32_t count) { return 0; }

void *xenevtchn_open(void *logger, unsigned flags) {
  events = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return events < 0 ? NULL : &events;
}
int xenevtchn_fd(void *handle) { return events; }
int xenevtchn_bind_virq(void *handle, unsigned virq) { return PORT_OF(DOMAINS); }
int xenevtchn_bind_interdomain(void *handle, uint32_t domid, uint32_t port) { return PORT_OF(domid); }
int xenevtchn_unbind(void *handle, uint32_t port) { return 0; }
int xenevtchn_unmask(void *handle, uint32_t port) { return 0; }
int xenevtchn_pending(void *handle) {
  eventfd_t ignored;
  eventfd_read(events, &ignored);
  return PORT_OF(0);
}
int xenevtchn_notify(void *handle, uint32_t port) {
  struct domain *domain = &domains[port - 1];
  if (port - 1 < DOMAINS && domain->ring != NULL) signal_event(domain->wake);
  return 0;
}

/* Every domain exists. xc_dominfo_t begins with domid, ssidref and the flags of a domain that is not running. */
void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags) { return &events; }
int xc_interface_close(void *handle) { return 0; }
int xc_domain_getinfo(void *handle, uint32_t domid, unsigned max, uint32_t *info) {
  info[0] = domid;
  info[1] = info[2] = 0;
  return 1;
}

/* Replaces the files through which the kernel publishes the ring and port of dom0. */
int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  if (strcmp(path, "/proc/xen/xsd_kva") == 0 || strcmp(path, "/proc/xen/xsd_port") == 0) {
    int fd = memfd_create(path, 0);
    if (fd < 0 || ftruncate(fd, PAGE) != 0 || pwrite(fd, "1", 1, 0) != 1) return -1;
    /* The ring starts without a request: both indices are 0. */
    if (strcmp(path, "/proc/xen/xsd_kva") == 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, PAGE) != 0) return -1;
    return fd;
  }
  int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  return real_open(path, flags, mode);
}
