// Names the commit that the command was built from. Nothing else depends on it: a new commit compiles one file.
#pragma once

namespace oomcast::report {

/// 12 hex digits, with "-dirty" behind them if a file that git follows differed; "unknown" without a git checkout.
/// Written by report/commit.cmake at each build.
const char* built_commit();

}  // namespace oomcast::report
