// Prints the result of the search for the smallest size, for people and as JSON.
#include <nlohmann/json.hpp>

#include "report/fit/fit.h"
#include "report/fit/settings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

std::string verdict_word(const FitPoint& point) {
  return point.verdict ? sim::verdict_name(*point.verdict) : "no forecast";
}

/// Returns "memory.max = 258.0 MiB (270,532,608 bytes)".
std::string value_line(const Fit& fit, int64_t value) {
  return fit.key + " = " + bytes_text(Bytes(value)) + " (" + count_text(value) + " bytes)";
}

const char* until_words(const std::string& until) {
  return until == "fits"                ? "nothing is reclaimed"
         : until == "no_direct_reclaim" ? "no task reclaims for itself"
                                        : "nothing is killed or refused";
}

Json value_or_null(const std::optional<FitPoint>& point) { return point ? Json(point->value) : Json(); }
Json verdict_or_null(const std::optional<FitPoint>& point) {
  return point && point->verdict ? Json(sim::verdict_name(*point->verdict)) : Json();
}

}  // namespace

std::string fit_lines(const Fit& fit) {
  std::string text;
  if (!fit.smallest) {
    text = "smallest     none: with " + value_line(fit, fit.most_asked) + " it is still " + verdict_word(*fit.below) +
           "\n";
    if (!fit.below->why.empty()) text += "why          " + fit.below->why + "\n";
    if (fit.host_is_too_small)
      text += "try          the host itself is too small for it: another --host, or its size by --for memory\n";
    return text;
  }
  text = "smallest     " + value_line(fit, fit.smallest->value) + ": " + verdict_word(*fit.smallest) + "; " +
         until_words(fit.until) + "\n";
  if (fit.below) {
    text += "just below   " + value_line(fit, fit.below->value) + ": " + verdict_word(*fit.below) + "\n";
    if (!fit.below->why.empty()) text += "why          " + fit.below->why + "\n";
  }
  text += "with margin  " + value_line(fit, fit.recommended) + ": " + std::to_string(fit.margin_percent) + " % more\n";
  text += "footprint    peak " + bytes_text(Bytes(fit.footprint_peak_bytes)) + " at the smallest value\n";
  if (fit.seeds > 1)
    text += "chance       each size that is enough is so with all of " + std::to_string(fit.seeds) + " seeds\n";
  if (fit.without_swap)
    text +=
        "note         the group has no swap, as the kubelet's default NoSwap has it; --cgroup memory.swap.max=... asks "
        "for another\n";
  if (fit.uneven)
    text +=
        "note         smaller sizes than this do as well, but somewhat larger ones than those do worse: the answer "
        "lies above all that were seen to\n";
  if (fit.recordings > 1)
    text += "recorded     " + std::to_string(fit.recordings) +
            " times: the program asks for its limit, and was shown one near the answer" +
            (fit.other_limits ? ", which it did not reach" : "") + "\n";
  if (fit.unrecorded_uses || fit.other_limits)
    text +=
        "note         extrapolated: the recording cannot know (pages whose use was not recorded, other limits than the "
        "program was shown); "
        "check with a live run\n";
  return text;
}

std::string fit_setting(const Fit& fit, const std::string& form) {
  if (!fit.smallest) return "";
  return setting_text({fit.key, fit.recommended, fit.footprint_peak_bytes, fit.swap_max_bytes, fit.any_swap}, form);
}

std::string fit_json(const Fit& fit) {
  return Json{{"schema", "oomcast.fit.v1"},
              {"for", fit.key},
              {"until", fit.until},
              {"smallest", value_or_null(fit.smallest)},
              {"verdict", verdict_or_null(fit.smallest)},
              {"below", value_or_null(fit.below)},
              {"verdict_below", verdict_or_null(fit.below)},
              {"why_below", fit.below ? Json(fit.below->why) : Json()},
              {"margin_percent", fit.margin_percent},
              {"recommended", fit.smallest ? Json(fit.recommended) : Json()},
              {"footprint_peak_bytes", fit.footprint_peak_bytes},
              {"extrapolated", fit.unrecorded_uses || fit.other_limits},
              {"uneven", fit.uneven},
              {"recordings", fit.recordings},
              {"asked", fit.asked},
              {"seeds", fit.seeds}}
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomcast::report
