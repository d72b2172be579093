// A kernel of the test's own behind a userfaultfd: it refuses on demand.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "preload/record/kernel/fault_channel.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {

/// Pages that are there, armed and woken; the next answers are taken from `refusals` while there are any.
class FakeChannel : public FaultChannel {
 public:
  std::deque<FaultResult> refusals;
  std::set<uint64_t> there, armed, woken;
  std::map<uint64_t, char> copied;  // the first byte
  std::vector<PageRange> registered, unregistered;
  std::function<bool(uint64_t start, uint64_t end)> refuses_registration;
  std::deque<uffd_msg> messages;                    // to be read
  std::function<uffd_msg(uint64_t number)> refill;  // makes one whenever there is none
  uint64_t refilled = 0;
  bool protects_writes = true;
  uint64_t mapped_end = UINT64_MAX;  // no memory of ours behind it

  bool register_range(uint64_t start, uint64_t end) override {
    if (refuses_registration && refuses_registration(start, end)) {
      errno = EINVAL;
      return false;
    }
    registered.emplace_back(start, end);
    return true;
  }
  bool unregister_range(uint64_t start, uint64_t end) override {
    unregistered.emplace_back(start, end);
    return true;
  }
  FaultResult fill(uint64_t start, uint64_t pages, bool wakes, bool protects, uint64_t* filled) override {
    *filled = 0;
    if (const FaultResult result = next(start, pages); result != FaultResult::kDone) return result;
    for (uint64_t at = start; at < start + pages * kPage && there.insert(at).second; at += kPage) {
      ++*filled;
      if (protects) armed.insert(at);
      if (wakes) woken.insert(at);
    }
    return *filled > 0 ? FaultResult::kDone : FaultResult::kAlreadyThere;
  }
  FaultResult copy(uint64_t page, const void* content) override {
    if (const FaultResult result = next(page, 1); result != FaultResult::kDone) return result;
    if (!there.insert(page).second) return FaultResult::kAlreadyThere;
    copied[page] = *static_cast<const char*>(content);
    woken.insert(page);
    return FaultResult::kDone;
  }
  FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) override {
    return fill(start, pages, false, false, filled);
  }
  FaultResult protect(uint64_t start, uint64_t end, bool on, bool wakes) override {
    if (const FaultResult result = next(start, (end - start) / kPage); result != FaultResult::kDone) return result;
    for (uint64_t at = start; at < end; at += kPage) {
      if (on)
        armed.insert(at);
      else
        armed.erase(at);
      if (wakes && !on) woken.insert(at);
    }
    return FaultResult::kDone;
  }
  void wake(uint64_t start, uint64_t end) override {
    for (uint64_t at = start; at < end; at += kPage) woken.insert(at);
  }

  bool write_protects() const override { return protects_writes; }
  size_t read(std::span<uffd_msg> out) override {
    size_t count = 0;
    for (; count < out.size() && !messages.empty(); ++count) {
      out[count] = messages.front();
      messages.pop_front();
    }
    if (count == 0 && refill) out[count++] = refill(refilled++);
    return count;
  }
  bool address_space_lives() override { return true; }
  int fd() const override { return -1; }

 private:
  FaultResult next(uint64_t start, uint64_t pages) {
    if (refusals.empty()) return start + pages * kPage > mapped_end ? FaultResult::kGone : FaultResult::kDone;
    const FaultResult result = refusals.front();
    refusals.pop_front();
    return result;
  }
};

}  // namespace oomcast::record
