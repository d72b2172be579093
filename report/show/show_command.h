// The verb `show`: the kernel's state at any moment of a finished report, in the kernel's own formats.
#pragma once

#include "report/verb.h"

namespace oomcast::report {

extern const Verb kShowVerb;

}  // namespace oomcast::report
