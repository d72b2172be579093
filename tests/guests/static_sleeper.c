// 8 MiB of memory, kept for a while; linked statically.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  volatile char* own = memset(malloc(8 << 20), 1, 8 << 20);
  usleep(500000);
  return own[4096] - 1;
}
