// Says in words how memory was used at a moment of a report, and which code had it.
#pragma once

#include <string>

#include "report/show/shown_moment.h"

namespace oomcast::report {

/// The moment's cause, task and victim, or memory by zone; then the names of all moments.
std::string moment_summary(const FinishedReport& report, const ShownMoment& moment);
/// Whether the report has what each site held at that moment. Reports of older versions do not.
bool holds_sites(const FinishedReport& report, const ShownMoment& moment);
/// The largest sites: resident bytes at the moment (if holds_sites()), else at each site's own peak; their shares and
/// frames.
std::string sites_text(const FinishedReport& report, const ShownMoment& moment);

}  // namespace oomcast::report
