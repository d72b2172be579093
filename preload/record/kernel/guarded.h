// Guarded: a value and the mutex that protects it. The value is reached through a lock only.
#pragma once

#include <mutex>
#include <utility>

namespace oomcast::record {

template <class T>
class Guarded {
 public:
  /// The value, for as long as this lives.
  class Locked {
   public:
    explicit Locked(Guarded& guarded) : lock_(guarded.mutex_), value_(&guarded.value_) {}
    T* operator->() const { return value_; }
    T& operator*() const { return *value_; }
    /// To wait on a condition variable: the mutex is free meanwhile.
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
