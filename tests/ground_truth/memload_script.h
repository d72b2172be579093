// Parses a memload command line: the steps of the scripted workload, parsed but not run.
//
// memload is the workload program of the real-kernel runs: each of its arguments is one step, and the steps run in
// order. Since it is scripted, its exact event stream is known without running it (memload_events.h).
//
//   anon:N:SIZE            map SIZE anonymous bytes as region N
//   shm:N:SIZE             the same, shared
//   heap:N:SIZE:CHUNK      malloc and fill CHUNK-byte blocks
//   w:N[:FROM:TO]          write one word per page, percent FROM..TO
//   r:N[:FROM:TO]          read one word per page
//   loop:K:N[:FROM:TO]     the write pass K times
//   rnd|zipf:N:COUNT:SEED  random page writes
//   lock:N  unlock:N       mlock(), munlock()
//   lockall                mlockall(), the future too
//   punch:N:FROM:TO        give back pages FROM..TO of each 2 MiB
//   huge:N  nohuge:N       advice on huge pages
//   dense:P                pages written from now on are P percent incompressible; no event says so
//   free:N  dontneed:N     give a region back
//   fw:PATH:SIZE           write a file; fr:PATH reads, fm:PATH maps it, fsync:PATH writes it back
//   sleep:MS  rate:MBPS    wait; write that fast
//   adj:N                  set oom_score_adj
//   fork:STEP+STEP+...     a child that runs the steps
//   wait                   for the children
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"

namespace oomcast::ground_truth {

enum class StepKind : uint8_t {
  kAnon,
  kShared,
  kHeap,
  kWrite,
  kRead,
  kLoop,
  kRandom,
  kZipf,
  kFree,
  kDontneed,
  kPunch,
  kHuge,
  kNoHuge,
  kCollapse,
  kFileWrite,
  kFileRead,
  kFileMap,
  kFileSync,
  kSleep,
  kRate,
  kAdj,
  kFork,
  kWait,
  kLock,
  kUnlock,
  kLockAll,
  kDense,
};

struct Step {
  StepKind kind = StepKind::kWait;
  int region = 0;
  uint64_t size = 0;   // kAnon, kShared, kHeap, kFileWrite: bytes
  uint64_t chunk = 0;  // kHeap
  bool whole = true;   // kWrite, kRead, kLoop: no FROM:TO was given
  double from_percent = 0;
  double to_percent = 100;
  uint64_t first_page = 0, last_page = 0;  // kPunch
  int64_t count = 0;                       // kRandom, kZipf: accesses; kLoop: passes
  int64_t seed = 0;                        // kRandom, kZipf
  int64_t number = 0;                      // kSleep: milliseconds; kAdj: the new value
  double rate = 0;                         // kRate: MiB per second, 0 is off
  std::string path;                        // file steps
  std::vector<Step> child;                 // kFork
};

struct Script {
  std::vector<Step> steps;
  int pinned_cpu = -1;  // of a leading `taskset MASK`, if the mask has one CPU
};

/// Parses the command line of a case, e.g. "taskset 1 memload anon:0:300M w:0". An error for anything that is not a
/// plain memload command says so; is_memload() tells such cases from faulty ones.
Result<Script> parse_script(std::string_view command);
bool is_memload(std::string_view command);

/// memload's random numbers: a xorshift that each rnd or zipf step starts anew from its seed.
class MemloadRandom {
 public:
  explicit MemloadRandom(int64_t seed) : state_(static_cast<uint64_t>(seed) * 2 + 88172645463325252u) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  /// The next page of a `rnd` step over `pages` pages. REQUIRES: pages > 0.
  uint64_t uniform_page(uint64_t pages) { return next() % pages; }
  /// The next page of a `zipf` step: 80 % fall within the first fifth. REQUIRES: pages > 0.
  uint64_t zipf_page(uint64_t pages) {
    const uint64_t drawn = next();
    return drawn % 10 < 8 ? (drawn >> 8) % (pages / 5 + 1) : (drawn >> 8) % pages;
  }

 private:
  uint64_t state_;
};

}  // namespace oomcast::ground_truth
