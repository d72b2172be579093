// The break grows 400 times by 132 KiB, as a malloc lets it grow, and of each step the first and the last page are written.
// Argument 1: microseconds between two steps.
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>
int main(int count, char** arguments) {
  for (int i = 0; i < 400; ++i) {
    char* step = sbrk(132 << 10);
    step[0] = step[(132 << 10) - 1] = 1;
    if (count > 1) usleep(atoi(arguments[1]));
  }
  return 0;
}
