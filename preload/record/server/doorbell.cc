// Doorbell: maps the page, and waits on the futex `rings` in it. For the side of the guests see preload/ring/mailbox.h.
#include "preload/record/server/doorbell.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace oomcast::record {

Doorbell::Doorbell() : memory_(sealed_memory(sizeof(ring::Doorbell))) {
  void* const mapped =
      memory_ ? ::mmap(nullptr, sizeof(ring::Doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0)
              : MAP_FAILED;
  if (mapped != MAP_FAILED) bell_ = static_cast<ring::Doorbell*>(mapped);
}

Doorbell::~Doorbell() {
  stop();
  if (bell_ != nullptr) ::munmap(bell_, sizeof(ring::Doorbell));
}

void Doorbell::listen(std::function<void()> answer) {
  size_t length = 0;
  ::syscall(SYS_get_robust_list, 0, &before_, &length);
  entry_.next = &mine_.list;
  mine_.list.next = &entry_;
  mine_.futex_offset = reinterpret_cast<intptr_t>(&bell_->recorder) - reinterpret_cast<intptr_t>(&entry_);
  ::syscall(SYS_set_robust_list, &mine_, sizeof mine_);
  bell_->recorder.store(static_cast<uint32_t>(::syscall(SYS_gettid)), std::memory_order_release);
  thread_ = std::thread([this, answer = std::move(answer)] {
    tid_ = static_cast<int>(::syscall(SYS_gettid));
    while (!stopping_) {
      const uint32_t rings = bell_->rings.load(std::memory_order_acquire);
      answer();
      shared_futex(&bell_->rings, FUTEX_WAIT, rings, nullptr);
    }
  });
}

void Doorbell::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  bell_->recorder.fetch_or(FUTEX_OWNER_DIED, std::memory_order_release);
  bell_->rings.fetch_add(1, std::memory_order_release);
  shared_futex(&bell_->rings, FUTEX_WAKE, INT32_MAX, nullptr);
  thread_.join();
  if (before_ != nullptr) ::syscall(SYS_set_robust_list, before_, sizeof *before_);
}

}  // namespace oomcast::record
