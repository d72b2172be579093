// Describes a suggestion in the model's own words, so that it can be simulated, and what its simulation gave.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

/// What a simulation of the changed target has to show for the suggestion to be proven.
enum class Aim : uint8_t {
  kFindingGone,   // the finding is not made any more, and the verdict is no worse
  kProgramLives,  // no process of the program is killed; others may be
  kOthersLive,    // no process but the program's own is killed
  kHostLives,     // the host does not panic, and nobody waits for ever
  kWaitsLess,     // the tasks wait for less than half as long, and the verdict is no worse
};

/// A number whose smallest sufficient value is searched for.
struct SearchedValue {
  std::string name;    // for people: "memory.max", "swap", "vm.min_free_kbytes"
  std::string key;     // of the word that sets it: "cgroup.memory.max", "swap[0].size"
  int64_t now = 0;     // known not to be enough
  int64_t guess = 0;   // asked first; 0: none
  int64_t most = 0;    // the last value that is asked
  int64_t step = 1;    // answers are multiples of it
  int64_t spread = 0;  // added to the smallest value that is enough: what differs from run to run
  int tolerance_permille = 5;
  bool bytes = true;     // a size, written as 263M
  bool largest = false;  // the largest value below `now` is wanted: a limit that protects others
};

struct Remedy {
  std::vector<std::string> words = {};  // see changed_target.h
  std::optional<SearchedValue> search = std::nullopt;
  Aim aim = Aim::kFindingGone;
  bool can_be_simulated() const { return !words.empty() || search.has_value(); }
};

/// Figures of a forecast that a change may move elsewhere.
struct Effect {
  Nanoseconds stalled, forecast;
  int64_t pswpin = 0, pswpout = 0, refault_file = 0;
};

/// What the simulation of a suggestion gave.
struct Proof {
  std::vector<std::string> settings;  // words of the target that was simulated
  std::optional<int64_t> smallest;    // of a searched value: the least that is enough in the simulation
  std::optional<int64_t> below;       // the largest value that is known not to be enough
  std::optional<sim::Verdict> verdict_below;
  Effect before, after;
  Bytes held_back;                // free memory that the high marks keep more than before
  std::vector<std::string> dies;  // who is killed on the changed target: "python3 (pid 500)"
  std::string extrapolated;       // why the recording cannot know, a clause; empty: it does
};

/// Remedies of one or several fixed words, each with its value.
Remedy set_to(std::vector<std::string> words, Aim aim = Aim::kFindingGone);
/// More memory of the host, all nodes alike; `more` is the first guess.
Remedy more_memory_of(const host::HostSpec& host, Bytes more, Bytes spread, Aim aim = Aim::kFindingGone);
/// A higher memory.max or memory.high of the program's group; `more` is the first guess. Cannot be simulated where that
/// group has no such limit: it is the limit of a group above, or of a service's own.
Remedy higher_limit(const host::HostSpec& host, const std::string& file, Bytes more, Bytes spread);
/// More swap that the program may use: of its group where memory.swap.max is the limit, else of the host.
Remedy more_swap_of(const host::HostSpec& host, Bytes more);
/// A larger sysctl, found to a tenth.
Remedy larger_sysctl(const std::string& name, int64_t now, int64_t most);
/// A larger vm.min_free_kbytes, up to a quarter of the host's memory.
Remedy more_min_free(const host::HostSpec& host);
/// Zone Movable of the node with most of it as Normal: half of what is free there, all of it on a node without zone
/// Normal. No words where there is no such zone.
Remedy movable_as_normal(const host::HostSpec& host);
/// --interleave over all nodes.
Remedy interleaved(const host::HostSpec& host);

/// "263M", "640K", "4096": as --set and --cgroup read it.
std::string size_word(int64_t bytes);
/// "memory.max=263M", "vm.min_free_kbytes=524288".
std::string value_word(const SearchedValue& search, int64_t value);

}  // namespace oomcast::report
