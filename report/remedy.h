// Describes a suggestion in words that the model understands, so that it can be simulated, and the result of its
// simulation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

/// What the simulation of the changed target must show so that the suggestion counts as proven.
enum class Aim : uint8_t {
  kFindingGone,   // the finding is no longer made, and the verdict is no worse
  kProgramLives,  // no process of the program is killed; other processes may be
  kOthersLive,    // no process but the program's own is killed
  kHostLives,     // the host does not panic, and no task waits for ever
  kWaitsLess,     // the tasks wait less than half as long, and the verdict is no worse
};

/// A number of which the smallest sufficient value is searched for.
struct SearchedValue {
  std::string name;    // for people: "memory.max", "swap", "vm.min_free_kbytes"
  std::string key;     // key of the word that sets it: "cgroup.memory.max", "swap[0].size"
  int64_t now = 0;     // the target's value, known not to be enough
  int64_t guess = 0;   // the value that is asked first; 0: none
  int64_t most = 0;    // the largest value that is asked
  int64_t step = 1;    // the answer is a multiple of it
  int64_t spread = 0;  // added to the smallest sufficient value for the difference between runs
  int tolerance_permille = 5;
  bool bytes = true;     // the number is a size in bytes, written as 263M
  bool largest = false;  // the largest sufficient value below `now` is searched for: a limit that protects others
};

struct Remedy {
  std::vector<std::string> words = {};  // see changed_target.h
  std::optional<SearchedValue> search = std::nullopt;
  Aim aim = Aim::kFindingGone;
  bool can_be_simulated() const { return !words.empty() || search.has_value(); }
};

/// Figures of a forecast that a change of the target can make better or worse.
struct Effect {
  Nanoseconds stalled, forecast;
  int64_t pswpin = 0, pswpout = 0, refault_file = 0;
};

/// The result of a suggestion's simulation.
struct Proof {
  std::vector<std::string> settings;  // words of the target that was simulated
  std::optional<int64_t> smallest;    // of a searched value: the smallest that is enough
  std::optional<int64_t> below;       // of a searched value: the largest known not to be enough
  std::optional<sim::Verdict> verdict_below;
  Effect before, after;
  Bytes held_back;                // free memory that the high watermarks keep in addition
  std::vector<std::string> dies;  // processes killed on the changed target: "python3 (pid 500)"
  std::string extrapolated;       // a clause: what the recording cannot know; empty: nothing
};

/// A remedy of fixed words.
Remedy set_to(std::vector<std::string> words, Aim aim = Aim::kFindingGone);
/// More memory of the host, all nodes in proportion. `more` is the first guess.
Remedy more_memory_of(const host::HostSpec& host, Bytes more, Bytes spread, Aim aim = Aim::kFindingGone);
/// A higher memory.max or memory.high of the program's group. `more` is the first guess. Cannot be simulated if the
/// group has no such limit: the limit then belongs to a group above, or to a service's own group.
Remedy higher_limit(const host::HostSpec& host, const std::string& file, Bytes more, Bytes spread);
/// More swap for the program: a higher memory.swap.max if that is the smaller limit, else more swap of the host.
Remedy more_swap_of(const host::HostSpec& host, Bytes more);
/// A larger sysctl; the search ends within a tenth of the answer.
Remedy larger_sysctl(const std::string& name, int64_t now, int64_t most);
/// A larger vm.min_free_kbytes, at most a quarter of the host's memory.
Remedy more_min_free(const host::HostSpec& host);
/// Turns memory of zone Movable into zone Normal, on the node whose Movable has the most free pages: half of the free
/// pages, or the whole zone if the node has no zone Normal. No words without a zone Movable.
Remedy movable_as_normal(const host::HostSpec& host);
/// --interleave over all nodes.
Remedy interleaved(const host::HostSpec& host);

/// Returns "memory.max=263M", "vm.min_free_kbytes=524288".
std::string value_word(const SearchedValue& search, int64_t value);

}  // namespace oomcast::report
