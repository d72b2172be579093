// The table of all verbs: whatever is not in it is no command.
#include "report/commands/verbs.h"

#include "report/commands/commands.h"
#include "report/completion/completion_command.h"
#include "report/export/export_command.h"
#include "report/gates/gate_command.h"
#include "report/page/page_command.h"
#include "report/show/show_command.h"

namespace oomcast::report {
namespace {

constexpr const Verb* kInOrderOfTheHelp[] = {
    &kRunVerb,      &kAttachVerb,   &kReplayVerb,      &kSweepVerb,  &kFitVerb,        &kCheckVerb,
    &kDiffVerb,     &kPageVerb,     &kExportVerb,      &kShowVerb,   &kExplainVerb,    &kHostVerb,
    &kHostListVerb, &kHostShowVerb, &kHostCaptureVerb, &kDoctorVerb, &kCompletionVerb, &kRecordAttachedVerb};

}  // namespace

constinit const std::span<const Verb* const> kVerbs = kInOrderOfTheHelp;

}  // namespace oomcast::report
