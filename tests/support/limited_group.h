// A program in the cgroup of its own that a host description limits. No kswapd runs; at the end all pages are
// recounted.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/machine.h"

namespace oomcast::support {

struct LimitedGroup {
  explicit LimitedGroup(const host::HostSpec& spec) : m(spec, Kswapd::kAbsent), app(m.start(100)) {
    m.process(app).cgroup = m.host.app_cgroup;
  }
  ~LimitedGroup() { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  host::Cgroup& group() { return m.host.cgroups[m.host.app_cgroup]; }
  Machine m;
  host::ProcessIndex app;
};

}  // namespace oomcast::support
