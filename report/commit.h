// Names the commit that the command was built from. No other code depends on the name: a new commit compiles one file.
#pragma once

namespace oomcast::report {

/// 12 hex digits, followed by "-dirty" if a file that git tracks differed from the commit; "unknown" without a git
/// checkout. report/commit.cmake writes it at each build.
const char* built_commit();

}  // namespace oomcast::report
