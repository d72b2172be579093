// Quantities as text that cannot be misread: pages together with bytes, and always with the unit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/base/units.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

std::string bytes_text(Bytes bytes);                    // "1.62 GiB", "-3.0 MiB", "812 B"
std::string at_least_text(Bytes bytes);                 // the same rounded up, so that the amount is enough
std::string size_word(int64_t bytes);                   // "512M", exact, as options take it
std::string count_text(int64_t count);                  // "337,017"
std::string pages_text(Pages pages);                    // "337,017 pages (1.29 GiB)"
std::string points_text(int64_t points);                // "10,240 points" of oom_badness(); "1 point"
std::string seconds_text(Nanoseconds t);                // "12.41 s": a moment of the run
std::string duration_text(Nanoseconds d);               // "312 ms", "0.14 ms", "1.82 s": how long something took
std::string latency_text(Nanoseconds d);                // "711.4 us", "40.0 us", "12.5 ms": of one fault or request
std::string left_text(double seconds);                  // "42 s", "3 min 10 s": of time left
std::string percent_text(int64_t part, int64_t whole);  // "89 %"; "-" of nothing
std::string joined_text(const std::vector<std::string>& items, std::string_view between);  // "a; b; c"
std::string list_text(const std::vector<std::string>& items, size_t most);  // "a, b and 3 more": the first `most`
std::string cpu_list_text(const std::vector<int>& cpus);                    // "0-3,8"; sorted in, "" of none
std::string shortened_text(const std::string& text, size_t most_bytes,
                           const char* ellipsis = "...");            // never within a UTF-8 character
std::string signal_text(int signal);                                 // "signal 9 (SIGKILL)"
std::string proc_line(const std::string& label, int64_t kilobytes);  // "MemTotal:         480128 kB\n": of meminfo
std::string where_text(NodeId node, host::ZoneKind zone);            // "node 0 zone DMA32"
std::string host_text(
    const host::HostSpec& host);  // "small-2g (6.1.0-56-cloud-amd64, classic LRU, 1 node, 1.95 GiB RAM, no swap)"

}  // namespace oomcast::report
