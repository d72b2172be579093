// Shortens the parts of a report that have no limit: task tables, symbol names, processes, rows. See page_data.h.
#include "report/page/page_data.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFullKills = 3;  // later kills are shown in short
constexpr size_t kCandidatesFull = 60, kCandidatesShort = 5;
constexpr size_t kDmesgFull = 200, kDmesgShort = 20;
constexpr size_t kProcesses = 200;

Json* member(Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

constexpr size_t kFramesTextMost = 500'000;  // all names together; names after that are cut to kFrameCharsThen
constexpr size_t kFrameCharsThen = 30;

void shorten_stack(Json* stack) {
  if (stack == nullptr || !stack->is_array()) return;
  for (Json& frame : *stack)
    if (frame.is_string()) frame = shortened_text(frame.get_ref<const std::string&>(), kFrameCharsMost);
}

void intern_frames(Json& report) {
  std::map<std::string, int64_t> numbers;
  size_t chars = 0;
  Json frames = Json::array();
  if (Json* sites = member(report, "sites"))
    for (Json& site : *sites) {
      Json* stack = member(site, "stack");
      if (stack == nullptr) continue;
      for (Json& frame : *stack) {
        const std::string name =
            shortened_text(frame.get<std::string>(), chars < kFramesTextMost ? kFrameCharsMost : kFrameCharsThen);
        const auto [found, is_new] = numbers.emplace(name, static_cast<int64_t>(frames.size()));
        if (is_new) {
          frames.push_back(name);
          chars += name.size();
        }
        frame = found->second;
      }
    }
  report["frames"] = std::move(frames);
}

int64_t points_of(const Json& task) {
  const auto points = task.find("points");
  return points != task.end() && points->is_number_integer() ? points->get<int64_t>() : INT64_MIN;
}

/// Keeps the candidates with the most points, and sorts them.
void cut_candidates(Json& kill, size_t most) {
  Json* candidates = member(kill, "candidates");
  if (candidates == nullptr || !candidates->is_array()) return;
  kill["candidates_total"] = candidates->size();
  candidates = member(kill, "candidates");  // the assignment may have moved it
  std::stable_sort(candidates->begin(), candidates->end(),
                   [](const Json& a, const Json& b) { return points_of(a) > points_of(b); });
  if (candidates->size() > most) candidates->erase(candidates->begin() + static_cast<int64_t>(most), candidates->end());
}

/// The first line says who asked, the last ones who is killed: removes lines from the middle.
void cut_dmesg(Json& kill, size_t most) {
  Json* lines = member(kill, "dmesg");
  if (lines == nullptr || !lines->is_array() || lines->size() <= most) return;
  const auto total = lines->size();
  const auto half = static_cast<int64_t>(most / 2);
  lines->erase(lines->begin() + half, lines->end() - half);
  lines->insert(lines->begin() + half, "[" + std::to_string(total - most) + " lines are left out here]");
  kill["dmesg_total"] = total;
}

void cut_kills(Json& report) {
  Json* kills = member(report, "oom_kills");
  if (kills == nullptr || !kills->is_array()) return;
  for (size_t i = 0; i < kills->size(); ++i) {
    cut_candidates((*kills)[i], i < kFullKills ? kCandidatesFull : kCandidatesShort);
    cut_dmesg((*kills)[i], i < kFullKills ? kDmesgFull : kDmesgShort);
  }
}

void cut_processes(Json& report) {
  Json* app = member(report, "app");
  Json* processes = app ? member(*app, "processes") : nullptr;
  if (processes == nullptr || !processes->is_array()) return;
  const size_t had = processes->size();
  if (had > kProcesses) processes->erase(processes->begin() + kProcesses, processes->end());
  (*app)["processes_left_out"] = had > kProcesses ? had - kProcesses : 0;
}

void thin(Json& column, size_t stride) {
  Json kept = Json::array();
  for (size_t i = 0; i < column.size(); i += stride) kept.push_back(column[i]);
  column = std::move(kept);
}

void thin_timeline(Json& report) {
  Json* timeline = member(report, "timeline");
  Json* times = timeline ? member(*timeline, "t_s") : nullptr;
  if (times == nullptr || !times->is_array() || times->size() <= kTimelineRowsMost) return;
  const size_t stride = (times->size() + kTimelineRowsMost - 1) / kTimelineRowsMost;
  for (auto& [key, column] : timeline->items()) {
    if (column.is_array()) thin(column, stride);
    if (column.is_object())
      for (auto& [node, values] : column.items())
        if (values.is_array()) thin(values, stride);
  }
}

}  // namespace

Json page_data(Json report) {
  intern_frames(report);
  if (Json* first = member(report, "first"))
    for (auto& [key, incident] : first->items()) shorten_stack(member(incident, "stack"));
  cut_kills(report);
  cut_processes(report);
  thin_timeline(report);
  return report;
}

}  // namespace oomcast::report
