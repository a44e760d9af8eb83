/*
 * hvcraw DEVICE PROGRAM ARGUMENTS...: runs a program with a console as descriptor 3, which is raw from its first byte on.
 *
 * A console that is opened starts in cooked mode, and echoes; what the other end has sent is read by the kernel's tty
 * worker at once, and mangled, before stty can be run. With real-time priority on one CPU nothing runs in between.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

enum { STREAM = 3 };

int main(int count, char **words) {
  struct sched_param highest = {.sched_priority = 99}, none = {0};
  struct termios mode;
  int console;

  if (count < 3) return 2;
  mlockall(MCL_CURRENT | MCL_FUTURE);
  if (sched_setscheduler(0, SCHED_FIFO, &highest)) perror("sched_setscheduler");
  console = open(words[1], O_RDONLY | O_NOCTTY);
  if (console < 0 || tcgetattr(console, &mode)) return perror(words[1]), 1;
  cfmakeraw(&mode);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  if (tcsetattr(console, TCSANOW, &mode)) return perror(words[1]), 1;
  sched_setscheduler(0, SCHED_OTHER, &none);
  munlockall();
  if (console != STREAM) {
    dup2(console, STREAM);
    close(console);
  }
  execvp(words[2], words + 2);
  perror(words[2]);
  return 1;
}
