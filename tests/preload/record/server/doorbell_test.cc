// A guest gets its answer, and never waits for a recorder that is gone.
#include "preload/record/server/doorbell.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

namespace oomcast::record {
namespace {

template <class T>
struct Mapped {
  explicit Mapped(const UniqueFd& memory)
      : at(static_cast<T*>(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0))) {}
  ~Mapped() { ::munmap(at, sizeof(T)); }
  T* operator->() { return at; }
  T& operator*() { return *at; }
  T* at;
};

ring::Request question_about(uint64_t address) {
  ring::Request request;
  request.address = address;
  return request;
}

TEST(Doorbell, AGuestThatRingsIsAnswered) {
  const UniqueFd memory = sealed_memory(sizeof(ring::Mailbox));
  Mapped<ring::Mailbox> box(memory);
  uint64_t address_sum = 0;
  Doorbell bell;
  Mapped<ring::Doorbell> of_guest(bell.memory());
  bell.listen([&] {
    if (!ring::has_question(*box)) return;
    address_sum += box->question.address;
    ring::answer(*box, address_sum == 3 ? ring::ReplyStatus::kRefused : ring::ReplyStatus::kTracked, shared_futex);
  });
  ring::ReplyStatus status{};
  ASSERT_TRUE(ring::ask(*box, *of_guest, question_about(1), &status, shared_futex));
  EXPECT_EQ(status, ring::ReplyStatus::kTracked);
  ASSERT_TRUE(ring::ask(*box, *of_guest, question_about(2), &status, shared_futex));
  EXPECT_EQ(status, ring::ReplyStatus::kRefused);
  bell.stop();
  EXPECT_FALSE(ring::ask(*box, *of_guest, question_about(4), &status, shared_futex)) << "the recorder listens no more";
  EXPECT_EQ(address_sum, 3u);
}

TEST(Doorbell, AWaitingGuestLearnsOfAKilledRecorderFromTheKernel) {
  Doorbell bell;
  Mapped<ring::Mailbox> box(sealed_memory(sizeof(ring::Mailbox)));
  Mapped<ring::Doorbell> of_guest(bell.memory());
  const pid_t recorder = ::fork();
  if (recorder == 0) {
    bell.listen([] {});  // and answers nothing
    for (;;) ::pause();
  }
  while (of_guest->recorder.load() == 0) ::usleep(1000);
  std::thread assassin([&] {
    ::usleep(100'000);
    ::kill(recorder, SIGKILL);
  });
  ring::ReplyStatus status{};
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(ring::ask(*box, *of_guest, question_about(1), &status, shared_futex));
  EXPECT_GT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(90))
      << "it did not wait while the recorder lived";
  assassin.join();
  ::waitpid(recorder, nullptr, 0);
}

TEST(Doorbell, AClosedMailboxTakesNoQuestion) {
  Doorbell bell;
  Mapped<ring::Mailbox> box(sealed_memory(sizeof(ring::Mailbox)));
  Mapped<ring::Doorbell> of_guest(bell.memory());
  ring::close(*box, shared_futex);
  ring::ReplyStatus status{};
  EXPECT_FALSE(ring::ask(*box, *of_guest, question_about(1), &status, shared_futex));
}

TEST(Doorbell, SharedMemoryIsForItsUserAloneAndKeepsItsSize) {
  const UniqueFd memory = sealed_memory(8192);
  struct stat status {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_NE(::ftruncate(memory.get(), 0), 0);
  EXPECT_NE(::ftruncate(memory.get(), 16384), 0);
}

}  // namespace
}  // namespace oomcast::record
