// A recorder that only listens: it answers the library's hello and its questions, and keeps them. With it the library
// can be loaded into the test itself, and its hooks called one by one.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <oomcast_paths.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "preload/record/own_process.h"
#include "preload/record/server/doorbell.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/shared_area.h"

namespace oomcast::inject {

class FakeRecorder {
 public:
  /// Loads the library. There is one for the whole process: a library is loaded once.
  static FakeRecorder& instance() {
    static auto* const recorder = new FakeRecorder();  // its thread ends with the process
    return *recorder;
  }

  template <class Function>
  Function* hook(const char* name) {
    auto* const found = reinterpret_cast<Function*>(::dlsym(library_, name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }
  ring::SharedArea& shared() { return *shared_; }
  /// Waits: the library goes on as soon as it has the answer, a moment before the answering thread has noted the hello.
  bool said_hello() const {
    for (int i = 0; i < 5000 && !said_hello_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return said_hello_;
  }

  std::vector<ring::Request> questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }
  size_t count(ring::RequestKind kind) {
    size_t found = 0;
    for (const ring::Request& question : questions()) found += question.kind == kind;
    return found;
  }
  /// All further questions get this answer.
  void answer_with(ring::ReplyStatus status) { status_ = status; }
  /// The notes that came since the last call.
  std::vector<trace::Event> take_notes() {
    std::vector<trace::Event> notes;
    for (ring::RingRecord record; reader_->pop(record);) notes.push_back(record.event);
    return notes;
  }
  /// Called before a question is answered.
  void before_answer(std::function<void(const ring::Request&)> call) {
    const std::lock_guard lock(mutex_);
    before_answer_ = std::move(call);
  }

 private:
  FakeRecorder()
      : area_(record::sealed_memory(sizeof(ring::SharedArea))),
        bell_memory_(record::sealed_memory(sizeof(ring::Doorbell))) {
    shared_ = map<ring::SharedArea>(area_.get());
    bell_ = map<ring::Doorbell>(bell_memory_.get());
    reader_.emplace(&shared_->ring);
    shared_->ask_before_free_bytes.store(UINT64_MAX);
    const std::string name = "@oomcast-fake-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
              0);
    EXPECT_EQ(::listen(listener, 8), 0);
    ::setenv("OOMCAST_SOCKET", name.c_str(), 1);
    // The threads live on after the test: no signal that a later test sends to this process may be theirs.
    const record::SignalsHeld held;
    std::thread([this, listener] { answer_hello(listener); }).detach();
    library_ = ::dlopen(OOMCAST_BINARY_DIR "/preload/liboomcast.so", RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library_, nullptr) << ::dlerror();
    ::unsetenv("OOMCAST_SOCKET");
    std::thread([this] { answer_questions(); }).detach();
  }

  template <class T>
  static T* map(int memory) {
    return static_cast<T*>(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
  }

  void answer_hello(int listener) {
    const int guest = ::accept(listener, nullptr, nullptr);
    ::close(listener);  // a child that a later test forks finds no listener, instead of waiting for an answer
    ring::Request hello;
    if (::recv(guest, &hello, sizeof hello, 0) != static_cast<ssize_t>(sizeof hello)) return;
    ring::Reply reply;
    reply.polled = 1;
    reply.stack_sample_bytes = 4096;
    reply.shared_bytes = sizeof(ring::SharedArea);
    iovec io{&reply, sizeof reply};
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    const int both[] = {area_.get(), bell_memory_.get()};
    ring::attach_descriptors(&message, control, both, 2);
    said_hello_ = ::sendmsg(guest, &message, 0) == static_cast<ssize_t>(sizeof reply);
    ::close(guest);
  }

  void answer_questions() {
    for (;;) {
      const uint32_t rings = bell_->rings.load();
      if (ring::has_question(shared_->mailbox)) {
        const ring::Request question = shared_->mailbox.question;
        std::function<void(const ring::Request&)> call;
        {
          const std::lock_guard lock(mutex_);
          questions_.push_back(question);
          call = before_answer_;
        }
        if (call) call(question);
        ring::answer(shared_->mailbox, status_, record::shared_futex);
      } else {
        record::shared_futex(&bell_->rings, FUTEX_WAIT, rings, nullptr);
      }
    }
  }

  record::UniqueFd area_, bell_memory_;
  ring::SharedArea* shared_ = nullptr;
  ring::Doorbell* bell_ = nullptr;
  void* library_ = nullptr;
  std::optional<ring::RingReader> reader_;
  std::atomic<ring::ReplyStatus> status_{ring::ReplyStatus::kTracked};
  std::atomic<bool> said_hello_{false};
  std::mutex mutex_;
  std::vector<ring::Request> questions_;
  std::function<void(const ring::Request&)> before_answer_;
};

}  // namespace oomcast::inject
