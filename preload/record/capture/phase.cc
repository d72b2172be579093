// Phase: decides whether touches are polled or held. See phase.h.
#include "preload/record/capture/phase.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "preload/record/capture/tracking_cost.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {
namespace {

// 1 GiB: two threads touch fresh memory at 2 GB/s at most here, and a scan may be 50 ms late. So one scan finds at most
// about 1/8 of the distance to the watermark, the bound that windows keep too. Faster programs are held earlier.
constexpr uint64_t kExactPhasePages = (uint64_t{1} << 30) >> kPageShift;
constexpr uint64_t kTicksToScan = 16;

/// Valgrind runs one thread of a process at a time. In the measurement one thread waits in a page fault for another
/// thread. Valgrind does not notice that wait and never runs the other thread.
bool runs_under_valgrind() {
  const char* const preloaded = ::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).find("/vgpreload_") != std::string_view::npos;
}

}  // namespace

Phase::Phase(EventFeed& feed, const PagePoller& poller, CaptureNotes& notes, const Clocks& clocks, bool polls)
    : feed_(feed), poller_(poller), notes_(notes), clocks_(clocks), exact_(!polls || nears_watermark()) {
  if (exact_)
    measure_cost();
  else
    notes_.begin_polling_phase();
  began_ns_ = clocks_.now_ns();
}

void Phase::begin_exact_phase() {
  measure_cost();
  exact_ = true;
  notes_.end_polling_phase(clocks_.now_ns() - began_ns_);
  spdlog::info("{} pages before the next watermark: touches are held from now on", feed_.headroom_pages());
}

bool Phase::nears_watermark() const {
  return feed_.headroom_pages() < std::max(kExactPhasePages, kTicksToScan * poller_.most_found_pages());
}

/// Takes some ten milliseconds. A run that stays in the polling phase does not spend them.
void Phase::measure_cost() {
  if (runs_under_valgrind()) return;
  const TrackingCost cost = measure_tracking_cost();
  feed_.set_cost(cost);
  spdlog::debug("tracking costs the guest {} ns of CPU per fault and keeps it off for {} ns, {} ns per request",
                cost.fault_cpu_ns, cost.fault_off_cpu_ns, cost.request_cpu_ns);
}

}  // namespace oomcast::record
