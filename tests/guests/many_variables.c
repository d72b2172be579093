// Starts itself with 5,000 more variables, and counts what has arrived. $GUEST_PRELOAD, if set, becomes LD_PRELOAD of the second.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char** environ;

int main(int count, char** words) {
  if (count > 1) {
    int found = 0;
    for (char** at = environ; *at != NULL; ++at) found += strncmp(*at, "GUEST_VARIABLE_", 15) == 0;
    printf("found %d, the last is %s, before them %s\n", found, getenv("GUEST_VARIABLE_4999"), getenv("GUEST_FIRST"));
    return 0;
  }
  setenv("GUEST_FIRST", "there", 1);
  char name[64];
  for (int i = 0; i < 5000; ++i) {
    snprintf(name, sizeof name, "GUEST_VARIABLE_%d", i);
    setenv(name, "x", 1);
  }
  if (getenv("GUEST_PRELOAD") != NULL) setenv("LD_PRELOAD", getenv("GUEST_PRELOAD"), 1);
  execl(words[0], words[0], "count", (char*)NULL);
  return 127;
}
