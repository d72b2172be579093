// Stands for a program under test: reads a table of MIB mebibytes into memory and adds it up.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MIB
#define MIB 40
#endif

static unsigned char *read_table(size_t bytes) {
  unsigned char *table = malloc(bytes);
  if (table) memset(table, 1, bytes);
  return table;
}

int main(void) {
  size_t bytes = (size_t)MIB << 20, sum = 0;
  unsigned char *table = read_table(bytes);
  if (!table) return 1;
  for (size_t i = 0; i < bytes; ++i) sum += table[i];
  printf("%zu\n", sum);
  free(table);
  return 0;
}
