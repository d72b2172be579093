// Files of /proc are empty for ever if they are opened once the first thread has left, those of a thread that lives are
// not.
#include "preload/record/kernel/proc_file.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/record/kernel/living_thread.h"

namespace oomcast::record {
namespace {

void* wait_for_ever(void*) {
  for (;;) ::pause();
}

TEST(ProcFile, OfAFirstThreadThatHasLeftHasNoContent) {
  const pid_t child = ::fork();
  if (child == 0) {
    pthread_t second;
    ::pthread_create(&second, nullptr, wait_for_ever, nullptr);
    ::syscall(SYS_exit, 0);
  }
  const auto pid = static_cast<uint32_t>(child);
  uint32_t living = 0;
  while ((living = living_thread(pid)) == 0 || living == pid) ::usleep(1000);
  for (const char* name : {"maps", "pagemap", "mem"}) {
    ProcFile file(name);
    file.belong_to(pid);
    EXPECT_FALSE(file.has_content()) << name;
    file.belong_to(pid, living);
    EXPECT_TRUE(file.has_content()) << name;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(ProcFile, OpenedBeforeTheFirstThreadLeftIsOfTheSameMemory) {
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    pthread_t second;
    ::pthread_create(&second, nullptr, wait_for_ever, nullptr);
    char word;
    static_cast<void>(!::read(go[0], &word, 1));
    ::syscall(SYS_exit, 0);
  }
  const auto pid = static_cast<uint32_t>(child);
  ProcFile file("mem");
  file.belong_to(pid);
  EXPECT_TRUE(file.has_content());
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  for (uint32_t living = pid; living == pid; living = living_thread(pid)) ::usleep(1000);
  EXPECT_TRUE(file.has_content());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace oomcast::record
