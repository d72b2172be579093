// Makes itself a better victim, as daemons do for their children.
#include <fcntl.h>
#include <unistd.h>

int main(void) {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  if (fd < 0 || write(fd, "321", 3) != 3) return 1;
  close(fd);
  usleep(200000);
  return 0;
}
