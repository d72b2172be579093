// Runs a function on a stack of its own, so that it can stop in the middle and go on later. Uses Boost.Context, and
// tells the address and thread sanitizers of each change of stacks.
#pragma once

#include <boost/context/fiber.hpp>
#include <functional>

namespace oomcast::sim {

class Coroutine {
 public:
  explicit Coroutine(std::function<void()> body) : body_(std::move(body)) {}
  /// Unwinds it where it stands, and gives its stack back.
  ~Coroutine();
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

  /// From outside: runs it from its beginning or where it paused, until it pauses or its body returns.
  void resume();
  /// From inside: back to whoever resumed it.
  void pause();

 private:
  /// What a sanitizer knows of a stack.
  struct Stack {
    const void* bottom = nullptr;
    size_t bytes = 0;
    void* address_sanitizer = nullptr;  // while it does not run
    void* thread_sanitizer = nullptr;
  };
  void begin();
  void run();

  static void leave(Stack& from, const Stack& to, bool for_good);
  static void arrive(Stack& at, Stack& from);

  std::function<void()> body_;     // until it begins
  boost::context::fiber inside_;   // empty before it begins, while it runs, and once it is over
  boost::context::fiber outside_;  // empty while it does not run
  Stack inner_, outer_;
};

}  // namespace oomcast::sim
