// Tells in words how memory stood at a moment of a report, and which code asked for it.
#pragma once

#include <string>

#include "report/show/shown_moment.h"

namespace oomcast::report {

std::string moment_summary(const FinishedReport& report, const ShownMoment& moment);
/// Whether the report holds what each site held at that moment; older versions do not.
bool holds_sites(const FinishedReport& report, const ShownMoment& moment);
/// The heaviest sites: resident bytes at the moment, else at each site's own peak; their share, their frames.
std::string sites_text(const FinishedReport& report, const ShownMoment& moment);

}  // namespace oomcast::report
