// Overwrites all that it shares with the recorder, and sends it nonsense; then says that it is well.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void scribble(volatile uint64_t* words, size_t count) {
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 20000; ++i) {
      const uint64_t value = next();
      words[next() % count] = value % 3 == 0 ? value : value % 3 == 1 ? value % 5000 : (value % 32) << 48 | 1;
    }
    memset(malloc(70000), round, 70000);
    usleep(1000);
  }
}

static void send_nonsense(const char* name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const size_t length = strlen(name);
  if (length < 2 || length >= sizeof address.sun_path) return;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = 0;
  for (int i = 0; i < 200; ++i) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr*)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0) {
      uint64_t bytes[16];
      for (int k = 0; k < 16; ++k) bytes[k] = next();
      /* Sometimes with the right magic and version, so that the rest is looked at. */
      if (i % 2) ((uint32_t*)bytes)[0] = 0x746d6f6f, ((uint32_t*)bytes)[1] = i % 8, ((uint32_t*)bytes)[2] = i % 12;
      for (int k = 0; k < 3; ++k) send(fd, bytes, i % 3 == 0 ? next() % sizeof bytes : 64, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
  }
}

int main(void) {
  char line[256];
  FILE* maps = fopen("/proc/self/maps", "r");
  int found = 0;
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    if (!strstr(line, "/memfd:oomcast-ring") || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    ++found;
    if (getenv("OOMCAST_SOCKET")) send_nonsense(getenv("OOMCAST_SOCKET"));
    /* All of it: the notes and the ring at the front, the table behind. */
    scribble((uint64_t*)start, (1536 << 10) / 8);
  }
  printf("%s\n", found || !getenv("OOMCAST_SOCKET") ? "well" : "nothing shared");
  return 0;
}
