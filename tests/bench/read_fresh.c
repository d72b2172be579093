// The kernel touches fresh memory on the program's behalf: read() into new buffers. Use: read_fresh FILE [MS: wait at the end]
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { kPiece = 3 << 20 };

int main(int argc, char** argv) {
  const int file = open(argc > 1 ? argv[1] : "/dev/null", O_RDONLY);
  if (file < 0) return 1;
  uint64_t sum = 0, bytes = 0;
  for (;;) {
    char* piece = malloc(kPiece);  // kept: the peak is the size of the file
    if (!piece) return 1;
    ssize_t got = 0, more;
    while (got < kPiece && (more = read(file, piece + got, (size_t)(kPiece - got))) > 0) got += more;
    if (more < 0) return 2;
    for (ssize_t i = 0; i < got; i += 512) sum += (unsigned char)piece[i];
    bytes += (uint64_t)got;
    if (got < kPiece) break;
  }
  printf("%llu bytes, sum %llu\n", (unsigned long long)bytes, (unsigned long long)sum);
  fflush(stdout);
  if (argc > 2) usleep((unsigned)atoi(argv[2]) * 1000);
  return 0;
}
