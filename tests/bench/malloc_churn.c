// The worst case for interposed calls: many mallocs and frees over a small live set. Use: malloc_churn MILLIONS
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kLive = 1 << 16 };

int main(int argc, char** argv) {
  const long calls = (argc > 1 ? atol(argv[1]) : 20) * 1000000L;
  static char* live[kLive];
  uint64_t random = 1, sum = 0;
  for (long i = 0; i < calls; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const size_t slot = (random >> 33) % kLive;
    const size_t bytes = 16 + (random >> 20) % 512;
    free(live[slot]);
    live[slot] = malloc(bytes);
    if (!live[slot]) return 1;
    live[slot][0] = (char)i;
    sum += bytes;
  }
  printf("%llu bytes\n", (unsigned long long)sum);
  return 0;
}
