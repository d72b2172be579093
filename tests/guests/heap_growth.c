// Grows the heap by 16 MiB in small pieces and writes them, then allocates and frees one piece over and over.
#include <stdlib.h>
#include <string.h>

int main(void) {
  for (int i = 0; i < 4096; ++i) {
    char* piece = malloc(4000);
    if (piece == 0) return 1;
    memset(piece, i | 1, 4000);
  }
  for (int i = 0; i < 100000; ++i) {
    char* volatile piece = malloc(4000);
    *piece = 1;
    free(piece);
  }
  return 0;
}
