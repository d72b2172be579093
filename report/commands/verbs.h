// The table of all verbs.
#pragma once

#include <span>

#include "report/verb.h"

namespace oomcast::report {

/// In the order of the help.
extern const std::span<const Verb* const> kVerbs;

}  // namespace oomcast::report
