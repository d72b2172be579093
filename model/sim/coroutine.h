// Runs a function on a stack of its own, so that the function can pause and go on later. Uses Boost.Context, and tells
// the address and thread sanitizers of every change of stacks.
#pragma once

#include <boost/context/fiber.hpp>
#include <functional>

namespace oomcast::sim {

class Coroutine {
 public:
  explicit Coroutine(std::function<void()> body) : body_(std::move(body)) {}
  /// Unwinds the function where it stands, and frees its stack.
  ~Coroutine();
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

  /// From outside: runs the function from its beginning, or from where it paused, until it pauses or returns.
  void resume();
  /// From inside: returns to the caller of resume().
  void pause();

 private:
  /// What a sanitizer has to know of a stack.
  struct Stack {
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* address_sanitizer = nullptr;  // while the stack is not in use
    void* thread_sanitizer = nullptr;
  };
  void begin();
  void run();

  static void leave(Stack& from, const Stack& to, bool for_good);
  static void arrive(Stack& at, Stack& from);

  std::function<void()> body_;     // empty once it has begun
  boost::context::fiber inside_;   // empty before it begins, while it runs, and after it has ended
  boost::context::fiber outside_;  // empty while it does not run
  Stack inner_, outer_;
};

}  // namespace oomcast::sim
