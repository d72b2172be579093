// Reports made by hand for the tests of gates: only what gates read.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/gates/finished_report.h"

namespace oomcast::report::gates_test {

/// A service on one node with a low watermark of 1,000 pages, whose free memory fell to `least_free_pages`.
inline nlohmann::json report_json(int64_t footprint_bytes, const std::string& verdict = "fits",
                                  int64_t least_free_pages = 3000) {
  return {{"schema", "oomcast.report.v1"},
          {"verdict", verdict},
          {"forecast_s", 2.5},
          {"host",
           {{"nodes",
             {{{"node", 0},
               {"zones",
                {{{"zone", "DMA"}, {"free_pages", 3800}, {"watermarks", {{"low", 27}}}},
                 {{"zone", "DMA32"}, {"free_pages", 90000}, {"watermarks", {{"low", 1000}}}}}}}}}}},
          {"first", {{"kswapd_wake", nullptr}}},
          {"stall", {{"direct_reclaim_ns_total", 2000000}, {"swap_in_ns_total", 500000}, {"throttled_ns_total", 0}}},
          {"counters", {{"pswpout", 0}, {"pswpin", 0}, {"memcg", {{"memory.peak", nullptr}}}}},
          {"timeline", {{"node_free_bytes", {{"node0", {90000 * 4096, (3800 + least_free_pages) * 4096}}}}}},
          {"sites",
           {{{"stack", {"malloc", "parse_config at config.c:12"}},
             {"resident_bytes_peak", footprint_bytes / 2},
             {"touched_bytes", footprint_bytes}},
            {{"stack", {"malloc", "serve at server.c:9"}},
             {"resident_bytes_peak", footprint_bytes / 4},
             {"touched_bytes", footprint_bytes}}}},
          {"app",
           {{"footprint_peak_bytes", footprint_bytes},
            {"touched_bytes", footprint_bytes},
            {"mapped_peak_bytes", footprint_bytes}}},
          {"coverage", {{"ratio", 1.0}}}};
}

inline FinishedReport report(int64_t footprint_bytes, const std::string& verdict = "fits",
                             int64_t least_free_pages = 3000) {
  return {"r.json", report_json(footprint_bytes, verdict, least_free_pages)};
}

}  // namespace oomcast::report::gates_test
