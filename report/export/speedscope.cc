// Writes speedscope's own format, https://www.speedscope.app/file-format-schema.json.
#include <map>
#include <nlohmann/json.hpp>

#include "report/export/exports.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

/// The frames of all stacks, each frame once.
class FrameTable {
 public:
  size_t index_of(const std::string& frame) {
    auto [entry, is_new] = indices_.try_emplace(frame, frames_.size());
    if (is_new) {
      FrameView view = frame_of(frame);
      Json json = {{"name", view.function}};
      if (!view.file.empty()) {
        json["file"] = view.file;
        json["line"] = view.line;
      }
      frames_.push_back(std::move(json));
    }
    return entry->second;
  }
  const Json& frames() const { return frames_; }

 private:
  std::map<std::string, size_t> indices_;
  Json frames_ = Json::array();
};

Json profile(const ReportView& view, FrameTable& table, const char* name, int64_t SiteView::*bytes) {
  Json samples = Json::array(), weights = Json::array();
  int64_t total = 0;
  for (const SiteView& site : view.sites) {
    if (site.*bytes == 0) continue;
    Json stack = Json::array();
    for (auto frame = site.stack.rbegin(); frame != site.stack.rend(); ++frame) stack.push_back(table.index_of(*frame));
    if (stack.empty()) stack.push_back(table.index_of("[" + site.kind + "]"));
    samples.push_back(std::move(stack));
    weights.push_back(site.*bytes);
    total += site.*bytes;
  }
  return {{"type", "sampled"}, {"name", name},       {"unit", "bytes"},   {"startValue", 0},
          {"endValue", total}, {"samples", samples}, {"weights", weights}};
}

}  // namespace

std::string speedscope_json(const ReportView& view) {
  FrameTable table;
  Json profiles = {profile(view, table, "resident at the site's peak", &SiteView::resident_bytes_peak),
                   profile(view, table, "touched", &SiteView::touched_bytes)};
  Json file = {{"$schema", "https://www.speedscope.app/file-format-schema.json"},
               {"shared", {{"frames", table.frames()}}},
               {"profiles", profiles},
               {"name", command_text(view) + " on " + view.host},
               {"activeProfileIndex", 0},
               {"exporter", std::string("oomcast@") + OOMCAST_VERSION}};
  return file.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oomcast::report
