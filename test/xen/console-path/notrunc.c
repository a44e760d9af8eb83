/*
 * For LD_PRELOAD: makes ftruncate() succeed on anything but a regular file. QEMU 7.2 opens /dev/fdset/N with O_TRUNC
 * and truncates the duplicate, which fails on a console.
 */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int truncate_file(int fd, long length) {
  struct stat found;
  if (fstat(fd, &found) == 0 && !S_ISREG(found.st_mode)) return 0;
  return syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) { return truncate_file(fd, length); }
int ftruncate64(int fd, long length) { return truncate_file(fd, length); }
