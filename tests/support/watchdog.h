// Ends tests that hang: SIGPROF kills a test of this fixture after a minute of CPU time.
#pragma once

#include <gtest/gtest.h>
#include <sys/time.h>

namespace oomcast::support {

/// CPU time and not wall-clock time, so that a busy machine does not end a test.
class Watchdog : public testing::Test {
 protected:
  Watchdog() { arm(60); }
  ~Watchdog() override { arm(0); }

 private:
  static void arm(time_t seconds) {
    const itimerval limit{{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
  }
};

}  // namespace oomcast::support
