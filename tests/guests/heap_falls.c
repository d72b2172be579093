// Three times: 16 MiB of heap in small pieces, written, and freed from the last one down, so that the break falls page by page.
#include <stdlib.h>
#include <string.h>

int main(void) {
  enum { kPieces = 8192 };
  static char* pieces[kPieces];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kPieces; ++i) {
      pieces[i] = malloc(2000);
      if (pieces[i] == 0) return 1;
      memset(pieces[i], i | 1, 2000);
    }
    for (int i = kPieces; i-- > 0;) free(pieces[i]);
  }
  return 0;
}
