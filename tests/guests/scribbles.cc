// Overwrites all that it shares with the recorder, sends it nonsense and asks it nonsense; then says that it is well.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload/ring/shared_area.h"

using namespace oomcast;

namespace {

uint64_t state = 88172645463325252u;
uint64_t next() {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

long futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, word, operation, value, timeout, nullptr, 0);
}

void scribble(volatile uint64_t* words, size_t count, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 20000; ++i) {
      const uint64_t value = next();
      words[next() % count] = value % 3 == 0 ? value : value % 3 == 1 ? value % 5000 : (value % 32) << 48 | 1;
    }
    memset(malloc(70000), round, 70000);
    usleep(1000);
  }
}

void send_nonsense(const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = strlen(name);
  if (length < 2 || length >= sizeof address.sun_path) return;
  memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address),
                static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length)) == 0) {
      uint64_t bytes[16];
      for (uint64_t& word : bytes) word = next();
      // Sometimes with the right magic and version, so that the rest is read. A true hello would end the
      // guest's own connection.
      const uint32_t right[] = {ring::kMagic, ring::kVersion, i % 12 + 2};
      if (i % 2 != 0) memcpy(bytes, right, sizeof right);
      for (int k = 0; k < 3; ++k)
        send(fd, bytes, i % 3 == 0 ? next() % sizeof bytes : sizeof(ring::Request), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    close(fd);
  }
}

uint64_t any_address() {
  switch (next() % 4) {
    case 0:
      return next();
    case 1:
      return next() >> 8;
    case 2:
      return reinterpret_cast<uint64_t>(&state) + next() % 100000;
    default:
      return reinterpret_cast<uint64_t>(malloc(1000));
  }
}

/// Questions of the right form about anything. How many were answered?
int ask_nonsense(ring::SharedArea& area, ring::Doorbell& bell) {
  int answered = 0;
  for (uint32_t i = 0; i < 2000; ++i) {
    ring::Request question;
    question.kind = static_cast<ring::RequestKind>(next() % 12);
    // The recorder would take this for the guest's end, and would report the status of the last such question.
    if (question.kind == ring::RequestKind::kExiting) continue;
    question.pid = static_cast<uint32_t>(next());
    question.tid = static_cast<uint32_t>(next());
    question.address = any_address();
    question.bytes = next() >> (next() % 64);
    question.argument = next();
    question.flags = next() >> (next() % 64);
    if (i % 50 == 0) question.version = static_cast<uint32_t>(next());
    ring::ReplyStatus status;
    answered += ring::ask(area.mailbox, bell, question, &status, futex);
  }
  return answered;
}

}  // namespace

int main() {
  ring::SharedArea* area = nullptr;
  ring::Doorbell* bell = nullptr;
  char line[256];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    unsigned long start, end;
    if (strstr(line, "/memfd:oomcast-ring") == nullptr || sscanf(line, "%lx-%lx", &start, &end) != 2) continue;
    if (end - start < sizeof(ring::SharedArea))
      bell = reinterpret_cast<ring::Doorbell*>(start);
    else
      area = reinterpret_cast<ring::SharedArea*>(start);
  }
  if (maps != nullptr) fclose(maps);
  const char* const name = getenv("OOMCAST_SOCKET");
  if (name == nullptr) {
    printf("well\n");
    return 0;
  }
  if (area == nullptr || bell == nullptr) {
    printf("nothing shared\n");
    return 0;
  }
  send_nonsense(name);
  if (const int answered = ask_nonsense(*area, *bell); answered < 1500) {
    printf("%d questions answered\n", answered);
    return 0;
  }
  // All that is at the front of it, mailbox, notes and ring; the tables behind; in the end the doorbell.
  scribble(reinterpret_cast<uint64_t*>(area), (1536 << 10) / 8, 300);
  scribble(reinterpret_cast<uint64_t*>(bell), 4096 / 8, 3);
  printf("well\n");
  return 0;
}
