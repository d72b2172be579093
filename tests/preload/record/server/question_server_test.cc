// Two threads answer guests under one lock: the loop between two waits, and the doorbell's thread while the loop waits.
#include "preload/record/server/question_server.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "preload/record/kernel/sealed_memory.h"

namespace oomcast::record {
namespace {

/// A shared area that a process of the table and a thread of the test have mapped.
struct FakeGuest {
  FakeGuest(ProcessTable& processes, uint32_t pid) : memory(sealed_memory(sizeof(ring::SharedArea))) {
    auto added = std::make_unique<Process>(pid);
    added->shared = std::make_unique<SharedMapping>(map());
    process = &processes.add(std::move(added));
    area = static_cast<ring::SharedArea*>(map());
  }
  ~FakeGuest() { ::munmap(area, sizeof(ring::SharedArea)); }
  void* map() const {
    return ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  }
  bool ask(ring::Doorbell& bell, uint64_t address, ring::ReplyStatus* status) const {
    ring::Request question;
    question.address = address;
    return ring::ask(area->mailbox, bell, question, status, shared_futex);
  }

  UniqueFd memory;
  Process* process = nullptr;
  ring::SharedArea* area = nullptr;
};

class QuestionServerTest : public testing::Test {
 protected:
  QuestionServerTest()
      : mail(processes, {[this](Process&) { ++drained; },
                         [this](Process& process, const ring::Request& question) {
                           asked[process.pid - 1] += question.address;
                           return question.address == kRefused ? ring::ReplyStatus::kRefused
                                                               : ring::ReplyStatus::kTracked;
                         },
                         [this] { ++rounds; }}) {
    bell = static_cast<ring::Doorbell*>(
        ::mmap(nullptr, sizeof(ring::Doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, mail.doorbell().memory().get(), 0));
  }
  ~QuestionServerTest() override {
    mail.stop();
    ::munmap(bell, sizeof(ring::Doorbell));
  }

  static constexpr uint64_t kRefused = 1000;
  ProcessTable processes;
  // Not atomic: the lock has to keep the two threads apart.
  uint64_t drained = 0, rounds = 0;
  uint64_t asked[4] = {};
  QuestionServer mail;
  ring::Doorbell* bell = nullptr;
};

TEST_F(QuestionServerTest, AQuestionIsAnsweredWhileTheLoopWaits) {
  FakeGuest guest(processes, 1);
  int woken = 0;
  mail.start([&woken] { ++woken; });
  ring::ReplyStatus status{};
  ASSERT_TRUE(guest.ask(*bell, 1, &status));
  EXPECT_EQ(status, ring::ReplyStatus::kTracked);
  ASSERT_TRUE(guest.ask(*bell, kRefused, &status));
  EXPECT_EQ(status, ring::ReplyStatus::kRefused);
  mail.stop();
  EXPECT_EQ(asked[0], kRefused + 1);
  EXPECT_GE(woken, 2);
}

TEST_F(QuestionServerTest, ARingThatFillsIsDrainedWithoutAQuestion) {
  FakeGuest guest(processes, 1);
  guest.area->ring_fills.store(1);
  const auto held = mail.lock();
  mail.answer_all(held);
  mail.answer_all(held);
  EXPECT_EQ(drained, 1u);
  EXPECT_EQ(rounds, 2u);
}

TEST_F(QuestionServerTest, AGuestThatEndsWhileItsQuestionIsAnsweredGetsNoAnswer) {
  auto guest = std::make_unique<FakeGuest>(processes, 1);
  QuestionServer dropping(processes, {[](Process&) {},
                                      [this](Process& process, const ring::Request&) {
                                        processes.erase(process.pid);
                                        return ring::ReplyStatus::kTracked;
                                      },
                                      [] {}});
  guest->area->mailbox.question = ring::Request{};
  guest->area->mailbox.state.store(ring::kAsked);
  const auto held = dropping.lock();
  dropping.answer_all(held);
  EXPECT_TRUE(processes.empty());
}

TEST_F(QuestionServerTest, TheLoopAndTheDoorbellTakeTurnsOverAllGuests) {
  constexpr uint32_t kGuests = 4;
  constexpr uint64_t kQuestions = 300;
  std::vector<std::unique_ptr<FakeGuest>> guests;
  for (uint32_t pid = 1; pid <= kGuests; ++pid) guests.push_back(std::make_unique<FakeGuest>(processes, pid));
  uint64_t answered = 0;
  mail.start([&answered] { ++answered; });
  std::atomic<uint32_t> asking{kGuests};
  std::vector<std::thread> threads;
  for (const auto& guest : guests)
    threads.emplace_back([this, &guest, &asking] {
      for (uint64_t i = 0; i < kQuestions; ++i) {
        ring::ReplyStatus status{};
        EXPECT_TRUE(guest->ask(*bell, 1, &status));
        EXPECT_EQ(status, ring::ReplyStatus::kTracked);
      }
      --asking;
    });
  // As the session's loop does: it lets go of the lock to wait, and answers what has come when it has it again.
  {
    HeldLock held = mail.lock();
    while (asking > 0) {
      held.without([] { return std::this_thread::yield(), 0; });
      mail.answer_rings(held);
      for (const auto& [pid, process] : processes) ++process->scans.count;
    }
  }
  for (std::thread& thread : threads) thread.join();
  mail.stop();
  for (const uint64_t sum : asked) EXPECT_EQ(sum, kQuestions) << "each question is answered once";
}

}  // namespace
}  // namespace oomcast::record
