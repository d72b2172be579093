// Guarded: a value and its mutex. The value can be reached only through lock().
#pragma once

#include <mutex>
#include <utility>

namespace oomcast::record {

template <class T>
class Guarded {
 public:
  /// Access to the value; holds the mutex while it lives.
  class Locked {
   public:
    explicit Locked(Guarded& guarded) : lock_(guarded.mutex_), value_(&guarded.value_) {}
    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }
    /// For a wait on a condition variable, which releases the mutex meanwhile.
    std::unique_lock<std::mutex>& mutex() { return lock_; }

   private:
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };
  Locked lock() { return Locked(*this); }

 private:
  std::mutex mutex_;
  T value_{};
};

}  // namespace oomcast::record
