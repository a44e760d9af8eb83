/*
 * As much of a hypervisor as Debian's xenstored 4.17 asks for, so that the real one runs on a machine without Xen, with domains that
 * it takes for real: what they own, what they may read, and that their nodes go with them.
 *
 *     LD_PRELOAD=hypervisor.so XENSTORED_RUNDIR=FOLDER xenstored -N
 *
 *     client in "domain 7" --FOLDER/domain-7--> (pty) thread --ring page--> xenstored <--FOLDER/socket-- client in dom0
 *
 * It stands for libxenctrl, libxengnttab and libxenevtchn, whose functions these are. A domain comes when dom0 introduces it, and its
 * character device with it: that is its /dev/xen/xenbus, with a thread in the part of its kernel. The ring is that of xs_wire.h.
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
/* What xenstored is told its ports are: any number but 0. */
#define PORT_OF(domid) ((int)(domid) + 1)

struct ring {
  char req[RING], rsp[RING];
  uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
};

static struct domain {
  struct ring *ring;
  int device, device_end, wake, over;
  pthread_t kernel;
  char path[256];
} domains[DOMAINS];

/* Wakes xenstored. */
static int events = -1;

static void signal_event(int fd) {
  if (eventfd_write(fd, 1) != 0) abort();
}

static uint32_t load(uint32_t *index) { return __atomic_load_n(index, __ATOMIC_ACQUIRE); }
static void store(uint32_t *index, uint32_t value) { __atomic_store_n(index, value, __ATOMIC_RELEASE); }

/* The kernel of a domain: what the device is given goes into the ring, what the ring has goes to the device. */
static void *run_kernel(void *of) {
  struct domain *domain = of;
  struct ring *ring = domain->ring;
  while (!__atomic_load_n(&domain->over, __ATOMIC_ACQUIRE)) {
    char bytes[RING];
    uint32_t cons = ring->rsp_cons, length = load(&ring->rsp_prod) - cons;
    for (uint32_t i = 0; i < length; i++) bytes[i] = ring->rsp[(cons + i) % RING];
    if (length > 0) {
      for (uint32_t done = 0; done < length;) {
        ssize_t n = write(domain->device, bytes + done, length - done);
        if (n < 0) return NULL;
        done += n;
      }
      store(&ring->rsp_cons, cons + length);
      signal_event(events);
      continue;
    }
    uint32_t prod = ring->req_prod, room = RING - (prod - load(&ring->req_cons));
    struct pollfd fds[] = {{domain->wake, POLLIN, 0}, {domain->device, room > 0 ? POLLIN : 0, 0}};
    if (poll(fds, 2, -1) < 0) abort();
    if (fds[0].revents) {
      eventfd_t ignored;
      eventfd_read(domain->wake, &ignored);
    }
    if (fds[1].revents & POLLIN) {
      ssize_t n = read(domain->device, bytes, room);
      if (n < 0) return NULL;
      for (ssize_t i = 0; i < n; i++) ring->req[(prod + i) % RING] = bytes[i];
      store(&ring->req_prod, prod + n);
      signal_event(events);
    }
  }
  return NULL;
}

/* A pseudo-terminal in raw mode is a character device that carries bytes as they are. */
static int make_device(struct domain *domain, unsigned domid) {
  struct termios raw;
  domain->device = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (domain->device < 0 || grantpt(domain->device) != 0 || unlockpt(domain->device) != 0) return -1;
  /* Kept open, so that the device does not hang up between two clients. */
  domain->device_end = open(ptsname(domain->device), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (domain->device_end < 0 || tcgetattr(domain->device_end, &raw) != 0) return -1;
  cfmakeraw(&raw);
  if (tcsetattr(domain->device_end, TCSANOW, &raw) != 0) return -1;
  snprintf(domain->path, sizeof domain->path, "%s/domain-%u", getenv("XENSTORED_RUNDIR"), domid);
  unlink(domain->path);
  return symlink(ptsname(domain->device), domain->path);
}

/* The page with the ring, which a domain grants to xenstored. */
void *xengnttab_map_grant_ref(void *handle, uint32_t domid, uint32_t ref, int prot) {
  struct domain *domain = &domains[domid];
  if (domid >= DOMAINS) return NULL;
  memset(domain, 0, sizeof *domain);
  domain->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  domain->ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (make_device(domain, domid) != 0 || pthread_create(&domain->kernel, NULL, run_kernel, domain) != 0) return NULL;
  return domain->ring;
}

/* The domain is gone. */
int xengnttab_unmap(void *handle, void *page, uint32_t count) {
  for (struct domain *domain = domains; domain < domains + DOMAINS; domain++) {
    if (domain->ring != page) continue;
    __atomic_store_n(&domain->over, 1, __ATOMIC_RELEASE);
    signal_event(domain->wake);
    /* First, for the kernel may wait for a client that does not read. */
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

/* Every domain is there. xc_dominfo_t begins with domid, ssidref and the flags of what is wrong with the domain. */
void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags) { return &events; }
int xc_interface_close(void *handle) { return 0; }
int xc_domain_getinfo(void *handle, uint32_t domid, unsigned max, uint32_t *info) {
  info[0] = domid;
  info[1] = info[2] = 0;
  return 1;
}

/* Where a kernel shows dom0's own ring and port. */
int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  if (strcmp(path, "/proc/xen/xsd_kva") == 0 || strcmp(path, "/proc/xen/xsd_port") == 0) {
    int fd = memfd_create(path, 0);
    if (fd < 0 || ftruncate(fd, PAGE) != 0 || pwrite(fd, "1", 1, 0) != 1) return -1;
    /* Its ring begins with a request that is not there: both indices are 0. */
    if (strcmp(path, "/proc/xen/xsd_kva") == 0 && ftruncate(fd, 0) == 0 && ftruncate(fd, PAGE) != 0) return -1;
    return fd;
  }
  int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  return real_open(path, flags, mode);
}
