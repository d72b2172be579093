// Writes 16 MiB to the named file and reads it again, through stdio: libc's own calls, which no interposer sees. Rests before it
// closes the file, unless there is a second argument.
#include <stdio.h>
#include <unistd.h>

int main(int argc, char** argv) {
  static char block[65536];
  if (argc < 2) return 2;
  FILE* file = fopen(argv[1], "w");
  if (file == 0) return 3;
  for (int i = 0; i < 256; ++i)
    if (fwrite(block, sizeof block, 1, file) != 1) return 4;
  fflush(file);
  if (argc == 2) usleep(120000);
  fclose(file);
  file = fopen(argv[1], "r");
  if (file == 0) return 5;
  for (int i = 0; i < 256; ++i)
    if (fread(block, sizeof block, 1, file) != 1) return 6;
  if (argc == 2) usleep(120000);
  fclose(file);
  return 0;
}
