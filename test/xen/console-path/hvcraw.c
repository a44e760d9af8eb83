/*
 * hvcraw DEVICE PROGRAM ARGUMENTS...: runs a program with a console as descriptor 3. The console is raw from its first
 * byte on.
 *
 * An opened console starts in cooked mode and echoes its input. The kernel's tty worker reads the bytes from the other
 * end immediately, and modifies them before stty can run. This program has real-time priority until the console is raw,
 * so that nothing else runs on the only CPU.
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
