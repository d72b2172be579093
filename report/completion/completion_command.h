// The verb `completion`: prints what a shell completes.
#pragma once

#include "report/verb.h"

namespace oomcast::report {

extern const Verb kCompletionVerb;

}  // namespace oomcast::report
