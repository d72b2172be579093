// Feeds any bytes at all to the reader of kernel logs: none may crash it, and each host that it makes has to be valid.
#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/check.h"
#include "model/spec/read_host.h"
#include "report/oomlog/explain.h"
#include "report/oomlog/host_of.h"
#include "report/oomlog/parse_oom_report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace oomcast;
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  const auto report = oomlog::parse_oom_report(log, "fuzz.log", std::nullopt);
  if (!report) {
    OOMCAST_CHECK(report.error().message.find('\n') == std::string::npos);
    return 0;
  }
  const oomlog::Explanation explanation = oomlog::explain(report.value());
  OOMCAST_CHECK(!oomlog::explanation_text(explanation).empty());
  OOMCAST_CHECK(!oomlog::explanation_json(report.value(), explanation, nullptr).empty());
  if (const auto spec = oomlog::host_of(report.value(), "fuzz")) OOMCAST_CHECK(host::validate(spec.value()));
  return 0;
}
