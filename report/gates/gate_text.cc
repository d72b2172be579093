// Prints the results of a gate as text, JUnit XML, GitHub workflow commands, Markdown or JSON.
#include "report/gates/gate_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace oomcast::report {
namespace {

constexpr size_t kMostAnnotations = 10;

const char* word(Judgement judgement) {
  switch (judgement) {
    case Judgement::kKept:
      return "ok";
    case Judgement::kWarned:
      return "warning";
    case Judgement::kBroken:
      return "FAILED";
    case Judgement::kOff:
      break;
  }
  return "off";
}

const char* color_of(Judgement judgement) {
  return judgement == Judgement::kBroken ? "\x1b[31m" : judgement == Judgement::kWarned ? "\x1b[33m" : "\x1b[32m";
}

size_t count(const std::vector<BudgetResult>& results, Judgement judgement) {
  return static_cast<size_t>(std::count_if(results.begin(), results.end(),
                                           [&](const BudgetResult& one) { return one.judgement == judgement; }));
}

std::string closing_line(const std::vector<BudgetResult>& results) {
  return std::to_string(results.size()) + " budgets: " + std::to_string(count(results, Judgement::kBroken)) +
         " failed, " + std::to_string(count(results, Judgement::kWarned)) + " warned";
}

/// Replaces characters that have a meaning in the format, and drops other control characters.
std::string escaped(const std::string& text, const std::vector<std::pair<char, std::string>>& table) {
  std::string out;
  for (char c : text) {
    auto found = std::find_if(table.begin(), table.end(), [&](const auto& pair) { return pair.first == c; });
    if (found != table.end())
      out += found->second;
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
  }
  return out;
}

std::string xml(const std::string& text) {
  return escaped(text, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}});
}
/// For a property of a GitHub workflow command. There a colon and a comma have a meaning; in the message they do not
/// (@actions/core: escapeProperty(), escapeData()).
std::string github_property(const std::string& text) {
  return escaped(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}, {':', "%3A"}, {',', "%2C"}});
}
std::string github_message(const std::string& text) {
  return escaped(text, {{'%', "%25"}, {'\r', "%0D"}, {'\n', "%0A"}});
}
std::string markdown(const std::string& text) {
  return escaped(text, {{'|', "\\|"}, {'<', "&lt;"}, {'>', "&gt;"}, {'`', "'"}, {'*', "\\*"}, {'[', "\\["}});
}

}  // namespace

std::string gate_lines(const std::vector<BudgetResult>& results, bool color) {
  size_t width = 0;
  for (const BudgetResult& one : results) width = std::max(width, one.budget.name().size());
  std::string text;
  for (const BudgetResult& one : results) {
    std::string mark = word(one.judgement);
    std::string padding(8 - std::min<size_t>(7, mark.size()), ' ');
    text += (color ? color_of(one.judgement) + mark + "\x1b[0m" : mark) + padding + one.budget.name() +
            std::string(width - one.budget.name().size() + 2, ' ') + one.why + "\n";
  }
  return text + closing_line(results) + "\n";
}

std::string gate_junit(const std::vector<BudgetResult>& results, const std::string& suite) {
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"" + xml(suite) +
                     "\" tests=\"" + std::to_string(results.size()) + "\" failures=\"" +
                     std::to_string(count(results, Judgement::kBroken)) + "\" errors=\"0\" skipped=\"" +
                     std::to_string(count(results, Judgement::kOff)) + "\">\n";
  for (const BudgetResult& one : results) {
    text += "    <testcase classname=\"oomcast.budget\" name=\"" + xml(one.budget.name()) + "\"";
    switch (one.judgement) {
      case Judgement::kKept:
        text += "/>\n";
        break;
      case Judgement::kOff:
        text += "><skipped/></testcase>\n";
        break;
      case Judgement::kWarned:
        text += "><system-out>warning: " + xml(one.why) + "</system-out></testcase>\n";
        break;
      case Judgement::kBroken:
        text += "><failure message=\"" + xml(one.why) + "\"/></testcase>\n";
        break;
    }
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string gate_github(const std::vector<BudgetResult>& results) {
  std::string text;
  size_t given = 0, left = 0;
  for (Judgement judgement : {Judgement::kBroken, Judgement::kWarned})
    for (const BudgetResult& one : results) {
      if (one.judgement != judgement) continue;
      // The tenth annotation says how many were left out.
      if (given + 1 == kMostAnnotations &&
          count(results, Judgement::kBroken) + count(results, Judgement::kWarned) > kMostAnnotations) {
        ++left;
        continue;
      }
      ++given;
      text += std::string(judgement == Judgement::kBroken ? "::error" : "::warning") +
              " title=" + github_property("oomcast " + one.budget.name()) +
              "::" + github_message(one.budget.name() + " is " + one.why) + "\n";
    }
  if (left > 0)
    text += "::notice title=oomcast::" + std::to_string(left) + " more budgets are broken; see the step summary\n";
  return text + closing_line(results) + "\n";
}

std::string gate_markdown(const std::vector<BudgetResult>& results) {
  std::string text = "| budget | result | value |\n| --- | --- | --- |\n";
  for (const BudgetResult& one : results)
    text += "| " + markdown(one.budget.name()) + " | " + word(one.judgement) + " | " + markdown(one.why) + " |\n";
  return text + "\n" + closing_line(results) + "\n";
}

std::string gate_json(const std::vector<BudgetResult>& results) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  const auto or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  for (const BudgetResult& one : results)
    all.push_back({{"name", one.budget.name()},
                   {"level", level_name(one.budget.level)},
                   {"result", one.judgement == Judgement::kBroken ? "failed" : word(one.judgement)},
                   {"median", or_null(one.median)},
                   {"values", one.values},
                   {"at_most", or_null(one.budget.at_most)},
                   {"at_least", or_null(one.budget.at_least)},
                   {"why", one.why}});
  return Json{{"schema", "oomcast.check.v1"}, {"failed", gate_status(results) != 0}, {"results", all}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomcast::report
