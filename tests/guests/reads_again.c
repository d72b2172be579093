// Writes memory once and then only reads it, page after page, again and again. Usage: MEBIBYTES TIMES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char** arguments) {
  const size_t bytes = (size_t)(count > 1 ? atoi(arguments[1]) : 64) << 20;
  const int times = count > 2 ? atoi(arguments[2]) : 2;
  char* const memory = malloc(bytes);
  if (memory == NULL) return 1;
  for (size_t at = 0; at < bytes; at += 4096) memset(memory + at, (int)(at >> 12 & 127), 64);
  size_t wrong = 0;
  for (int i = 0; i < times; ++i)
    for (size_t at = 0; at < bytes; at += 4096) wrong += ((volatile char*)memory)[at] != (char)(at >> 12 & 127);
  printf("%zu pages are wrong\n", wrong);
  return wrong != 0;
}
