// The first thread leaves by pthread_exit(); the second one fills so many MiB (argument 1), block by block, and ends the program with 4.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_t first;
static void* fills(void* argument) {
  pthread_join(first, 0);
  for (long i = atol(argument); i > 0; --i) {
    char* block = malloc(1 << 20);
    memset(block, 1, 1 << 20);
    if (i % 16 == 0) usleep(1000);
  }
  exit(4);
}
int main(int count, char** arguments) {
  first = pthread_self();
  pthread_t second;
  pthread_create(&second, 0, fills, count > 1 ? arguments[1] : "64");
  pthread_exit(0);
}
