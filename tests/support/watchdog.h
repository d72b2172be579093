// Ends a test that does not end: one of this fixture that takes more than a minute of CPU time is killed by SIGPROF.
#pragma once

#include <gtest/gtest.h>
#include <sys/time.h>

namespace oomcast::support {

/// CPU time, not wall-clock time: a busy machine cannot make it strike.
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
