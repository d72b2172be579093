// Counts calls of malloc and free that change errno.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void* kept[1024];

static long churn(unsigned draw, long rounds) {
  long changed = 0;
  for (long i = 0; i < rounds; ++i) {
    draw = draw * 1103515245 + 12345;
    const unsigned at = draw >> 8 & 1023;
    const size_t bytes = (i & 4095) == 0 ? 200000 : (draw >> 20) % 2000 + 1;
    errno = 42;
    free(kept[at]);
    changed += errno != 42;
    errno = 42;
    kept[at] = i % 7 == 0 ? calloc(1, bytes) : malloc(bytes);
    changed += errno != 42;
    *(char*)kept[at] = 1;
    errno = 42;
    kept[at] = i % 5 == 0 ? realloc(kept[at], bytes * 2) : kept[at];
    changed += errno != 42;
  }
  return changed;
}
/// Without a frame pointer or anything else that a walk expects below it.
__attribute__((noinline, optimize("omit-frame-pointer"))) static long deeper(int depth) {
  return depth == 0 ? churn(7, 20000) : deeper(depth - 1) + (depth == 999);
}

int main(void) {
  const long changed = churn(1, 1000000) + deeper(60);
  printf("changed %ld\n", changed);
  return changed != 0;
}
