// Runs a function on a stack of its own. See coroutine.h.
//
// A sanitizer believes that the stack that it knows is the running one. If an exception unwinds a stack that the
// address sanitizer does not know, the shadow memory of dead frames stays poisoned, and later frames there are reported
// as errors.
#include "model/sim/coroutine.h"

#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/preallocated.hpp>
#include <utility>

#include "model/base/check.h"

#if defined(__has_feature)  // clang
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace oomcast::sim {

namespace context = boost::context;

namespace {
constexpr size_t kStackBytes = 256 * 1024;
}

// Tells the address sanitizer before each switch, on the old stack.
void Coroutine::leave([[maybe_unused]] Stack& from, [[maybe_unused]] const Stack& to, [[maybe_unused]] bool for_good) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.address_sanitizer, to.bottom, to.bytes);
#endif
}

// Tells the address sanitizer after each switch, on the new stack.
void Coroutine::arrive([[maybe_unused]] Stack& at, [[maybe_unused]] Stack& from) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(at.address_sanitizer, &from.bottom, &from.bytes);
  at.address_sanitizer = nullptr;
#endif
}

// The thread sanitizer counts calls and returns, those of Boost's functions too. So it is told outside only: before the
// call that leads into the coroutine, and after the return from it. These are macros because the return from a function
// would count, too.
#if defined(__SANITIZE_THREAD__)
#define OOMCAST_THREAD_SANITIZER_ENTERS(inner, outer)    \
  (outer).thread_sanitizer = __tsan_get_current_fiber(); \
  __tsan_switch_to_fiber((inner).thread_sanitizer, 0)
#define OOMCAST_THREAD_SANITIZER_LEAVES(outer) __tsan_switch_to_fiber((outer).thread_sanitizer, 0)
#else
#define OOMCAST_THREAD_SANITIZER_ENTERS(inner, outer) static_cast<void>(0)
#define OOMCAST_THREAD_SANITIZER_LEAVES(outer) static_cast<void>(0)
#endif

void Coroutine::begin() {
  OOMCAST_CHECK(body_ != nullptr);
  context::fixedsize_stack stacks(kStackBytes);
  const context::stack_context stack = stacks.allocate();
  inner_.bottom = static_cast<const char*>(stack.sp) - stack.size;
  inner_.bytes = stack.size;
#if defined(__SANITIZE_THREAD__)
  inner_.thread_sanitizer = __tsan_create_fiber(0);
#endif
  OOMCAST_THREAD_SANITIZER_ENTERS(inner_, outer_);
  inside_ = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), stacks,
                           [this](context::fiber&& outside) {
                             outside_ = std::move(outside);
                             run();
                             return std::move(outside_);
                           });
  OOMCAST_THREAD_SANITIZER_LEAVES(outer_);
}

void Coroutine::run() {
  struct Leave {  // also when the stack is unwound
    Coroutine& of;
    ~Leave() { leave(of.inner_, of.outer_, true); }
  } leave_at_end{*this};
  arrive(inner_, outer_);
  std::exchange(body_, nullptr)();
}

void Coroutine::resume() {
  if (!inside_) begin();
  leave(outer_, inner_, false);
  OOMCAST_THREAD_SANITIZER_ENTERS(inner_, outer_);
  inside_ = std::move(inside_).resume();
  OOMCAST_THREAD_SANITIZER_LEAVES(outer_);
  Stack left;
  arrive(outer_, left);
}

void Coroutine::pause() {
  struct Arrive {  // also when the stack is unwound: the exception comes out of resume()
    Coroutine& of;
    ~Arrive() { arrive(of.inner_, of.outer_); }
  } arrive_at_end{*this};
  leave(inner_, outer_, false);
  outside_ = std::move(outside_).resume();
}

Coroutine::~Coroutine() {
  if (inside_) {
    leave(outer_, inner_, false);
    OOMCAST_THREAD_SANITIZER_ENTERS(inner_, outer_);
    inside_ = {};
    OOMCAST_THREAD_SANITIZER_LEAVES(outer_);
    Stack left;
    arrive(outer_, left);
  }
#if defined(__SANITIZE_THREAD__)
  if (inner_.thread_sanitizer != nullptr) __tsan_destroy_fiber(inner_.thread_sanitizer);
#endif
}

}  // namespace oomcast::sim
