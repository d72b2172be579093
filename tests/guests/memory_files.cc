// Puts MIB into memory that is a file, in one of many ways, and ends in one of several. memory_files WAY END MIB
// [DIRECTORY]
//   ways: write pwrite writev stdio copy sendfile splice fallocate memfd mmap memfd_mmap anonymous segment
//   ends: stay (leave it), gone (unlink or close it, then wait), munmap, cut (ftruncate while it is mapped), exec
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

constexpr size_t kMib = 1 << 20;
char piece[kMib];

void fail(const char* what) {
  perror(what);
  _exit(9);
}

void fill(const char* way, int fd, const char* directory, size_t mib) {
  int pipes[2];
  const int source =
      open(directory, O_TMPFILE | O_RDWR, 0600);  // of the same file system: copy_file_range() asks for it
  if (write(source, piece, kMib) != static_cast<ssize_t>(kMib)) fail("source");
  if (pipe(pipes) != 0) fail("pipe");
  for (size_t i = 0; i < mib; ++i) {
    const off_t at = static_cast<off_t>(i * kMib);
    off_t from = 0;
    if (!strcmp(way, "pwrite")) {
      if (pwrite(fd, piece, kMib, at) < 0) fail(way);
    } else if (!strcmp(way, "writev")) {
      iovec parts[2] = {{piece, kMib / 2}, {piece, kMib / 2}};
      if (writev(fd, parts, 2) < 0) fail(way);
    } else if (!strcmp(way, "sendfile")) {
      if (sendfile(fd, source, &from, kMib) < 0) fail(way);
    } else if (!strcmp(way, "copy")) {
      if (copy_file_range(source, &from, fd, nullptr, kMib, 0) < 0) fail(way);
    } else if (!strcmp(way, "splice")) {
      for (size_t done = 0; done < kMib; done += 65536)
        if (write(pipes[1], piece, 65536) != 65536 || splice(pipes[0], nullptr, fd, nullptr, 65536, 0) != 65536)
          fail(way);
    } else if (write(fd, piece, kMib) < 0) {
      fail(way);
    }
  }
  close(source);
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 8;
  const char *way = words[1], *end = words[2];
  const size_t mib = static_cast<size_t>(atoi(words[3]));
  char path[256];
  const char* const directory = count > 4 ? words[4] : "/dev/shm";
  snprintf(path, sizeof path, "%s/memory_files.%d", directory, static_cast<int>(getpid()));
  memset(piece, 7, sizeof piece);
  int fd = -1, segment = -1;
  char* mapped = nullptr;
  const bool anonymous = !strcmp(way, "anonymous"), memfd = !strncmp(way, "memfd", 5),
             maps = strstr(way, "mmap") != nullptr || anonymous;
  if (!strcmp(way, "segment")) {
    segment = shmget(IPC_PRIVATE, mib * kMib, IPC_CREAT | 0600);
    if (segment < 0) fail("shmget");
    mapped = static_cast<char*>(shmat(segment, nullptr, 0));
  } else if (!anonymous) {
    fd = memfd ? memfd_create("guest", 0) : open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fd < 0) fail(path);
  }
  if (maps) {
    if (fd >= 0 && ftruncate(fd, static_cast<off_t>(mib * kMib)) != 0) fail("ftruncate");
    mapped = static_cast<char*>(
        mmap(nullptr, mib * kMib, PROT_READ | PROT_WRITE, MAP_SHARED | (anonymous ? MAP_ANONYMOUS : 0), fd, 0));
    if (mapped == MAP_FAILED) fail("mmap");
  }
  if (mapped != nullptr) {
    for (size_t at = 0; at < mib * kMib; at += 4096) mapped[at] = 1;
  } else if (!strcmp(way, "fallocate")) {
    if (posix_fallocate(fd, 0, static_cast<off_t>(mib * kMib)) != 0) fail(way);
  } else if (!strcmp(way, "stdio")) {
    FILE* const stream = fdopen(fd, "w");
    for (size_t i = 0; i < mib; ++i)
      if (fwrite(piece, 1, kMib, stream) != kMib) fail(way);
    fclose(stream);
    fd = -1;
  } else {
    fill(way, fd, directory, mib);
  }
  if (!strcmp(end, "munmap") || !strcmp(end, "gone")) {
    if (segment >= 0) {
      shmdt(mapped);
    } else if (mapped != nullptr) {
      munmap(mapped, mib * kMib);
    }
  }
  if (!strcmp(end, "exec")) {
    unlink(path);
    if (segment >= 0) shmctl(segment, IPC_RMID, nullptr);
    execl("/bin/true", "true", nullptr);
  }
  if (!strcmp(end, "cut") && ftruncate(fd, 0) != 0) fail("ftruncate");
  if (strcmp(end, "stay") != 0 && segment >= 0) shmctl(segment, IPC_RMID, nullptr);
  if (!strcmp(end, "gone")) {
    if (fd >= 0) close(fd);
    if (!memfd) unlink(path);
    usleep(300000);
    // What comes now is on top of nothing.
    char* const own = static_cast<char*>(malloc(mib * kMib));
    memset(own, 1, mib * kMib);
    piece[0] = own[mib];
  }
  // The test's machine keeps nothing of it.
  if (segment >= 0) shmctl(segment, IPC_RMID, nullptr);
  if (!memfd) unlink(path);
  return 0;
}
