// Reads and writes budget files. An error names the line.
#include "report/gates/budget.h"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <set>
#include <sstream>

#include "model/spec/parse_text.h"
#include "report/gates/finished_report.h"
#include "report/whole_file.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBudgetBytes = int64_t{1} << 20;
constexpr const char* kSchema = "oomcast.budget.v1";
const std::vector<std::string> kWords = {"key", "site", "at_most", "at_least", "level", "touched"};

/// Thrown in this file only; parse_budget() turns it into an Error.
struct Mistake {
  int line;
  std::string message;
};

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

std::string scalar(const YAML::Node& node, const std::string& word) {
  if (!node.IsScalar()) throw Mistake{line_of(node), "'" + word + "' takes a single value"};
  return node.Scalar();
}

BudgetLevel level_of(const YAML::Node& node) {
  std::string text = scalar(node, "level");
  for (BudgetLevel level : {BudgetLevel::kOff, BudgetLevel::kWarn, BudgetLevel::kError})
    if (text == level_name(level)) return level;
  throw Mistake{line_of(node), "level " + host::quote(text) + " is none of off, warn, error"};
}

double bound_of(const YAML::Node& node, const Budget& budget, const std::string& word) {
  std::string text = scalar(node, word);
  auto value = parse_value(budget.name(), text);
  if (!value)
    throw Mistake{line_of(node), word + ": " + host::quote(text) + " is no value of " + budget.name() +
                                     " (examples: 400M for bytes, 5ms for times, 10% for shares, direct_reclaim for "
                                     "verdict)"};
  return *value;
}

bool touched_of(const YAML::Node& node, const Budget& budget) {
  if (budget.site.empty()) throw Mistake{line_of(node), "'touched' goes with 'site'"};
  std::string text = scalar(node, "touched");
  if (text != "true" && text != "false")
    throw Mistake{line_of(node), "touched: " + host::quote(text) + " is neither true nor false"};
  return text == "true";
}

void check_words(const YAML::Node& entry) {
  std::set<std::string> seen;
  for (const auto& pair : entry) {
    std::string word = scalar(pair.first, "a word of a budget");
    if (std::find(kWords.begin(), kWords.end(), word) == kWords.end())
      throw Mistake{line_of(pair.first),
                    "no word " + host::quote(word) + " in a budget" + host::suggestion(word, kWords)};
    if (!seen.insert(word).second) throw Mistake{line_of(pair.first), "'" + word + "' is given twice"};
  }
}

Budget budget_of(const YAML::Node& entry) {
  if (!entry.IsMap()) throw Mistake{line_of(entry), "a budget is a list of 'word: value' lines"};
  check_words(entry);
  Budget budget;
  budget.line = line_of(entry);
  if (entry["key"]) budget.key = scalar(entry["key"], "key");
  if (entry["site"]) budget.site = scalar(entry["site"], "site");
  if (budget.key.empty() == budget.site.empty())
    throw Mistake{budget.line, "a budget needs either 'key' (of the report) or 'site' (part of a frame)"};
  if (entry["touched"]) budget.touched = touched_of(entry["touched"], budget);
  if (entry["level"]) budget.level = level_of(entry["level"]);
  if (entry["at_most"]) budget.at_most = bound_of(entry["at_most"], budget, "at_most");
  if (entry["at_least"]) budget.at_least = bound_of(entry["at_least"], budget, "at_least");
  if (!budget.at_most && !budget.at_least) throw Mistake{budget.line, "a budget needs 'at_most' or 'at_least'"};
  if (budget.at_most && budget.at_least && *budget.at_most < *budget.at_least)
    throw Mistake{budget.line, "at_most is less than at_least: no number can keep both"};
  return budget;
}

std::vector<Budget> budgets_of(const YAML::Node& root) {
  if (!root.IsMap() || !root["schema"])
    throw Mistake{1, std::string("the first line has to be 'schema: ") + kSchema + "'"};
  std::string schema = scalar(root["schema"], "schema");
  if (schema != kSchema)
    throw Mistake{line_of(root["schema"]), "schema " + host::quote(schema) + " is not known; this is for " + kSchema};
  std::set<std::string> seen;
  for (const auto& pair : root) {
    std::string word = scalar(pair.first, "a word of the file");
    if (!seen.insert(word).second) throw Mistake{line_of(pair.first), "'" + word + "' is given twice"};
    if (word != "schema" && word != "budgets")
      throw Mistake{line_of(pair.first), "no word " + host::quote(word) + " here; known are: schema, budgets"};
  }
  const YAML::Node list = root["budgets"];
  if (!list || !list.IsSequence() || list.size() == 0)
    throw Mistake{1, "'budgets' has to be a list with an entry or more"};
  std::vector<Budget> budgets;
  for (const YAML::Node& entry : list) budgets.push_back(budget_of(entry));
  return budgets;
}

/// Exact, and readable by parse_value() for every unit.
std::string bound_text(const std::string& name, double value) {
  if (name == "verdict") return value_text(name, value);
  std::ostringstream text;
  text.precision(15);
  text << value;
  return text.str();
}

}  // namespace

const char* level_name(BudgetLevel level) {
  return level == BudgetLevel::kOff ? "off" : level == BudgetLevel::kWarn ? "warn" : "error";
}

Result<std::vector<Budget>> parse_budget(const std::string& text, const std::string& path) {
  const auto failed = [&](int line, const std::string& what) {
    return Error{path + ":" + std::to_string(line) + ": " + what};
  };
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      return failed(line_of(documents[1]), "a second YAML document begins; a budget file is one");
    return budgets_of(documents.empty() ? YAML::Node() : documents.front());
  } catch (const Mistake& mistake) {
    return failed(std::max(1, mistake.line), mistake.message);
  } catch (const YAML::Exception& error) {
    return Error{not_yaml_text(path, error)};
  }
}

Result<std::vector<Budget>> read_budget(const std::string& path) {
  auto text = read_whole_file(path, kMostBudgetBytes);
  if (!text) return Error{path + ": cannot be read: " + text.error().message + "; --budget takes a YAML file"};
  return parse_budget(text.value(), path);
}

std::string budget_text(const std::vector<Budget>& budgets, const std::string& comment) {
  YAML::Emitter out;
  out << YAML::Comment(comment) << YAML::BeginMap << YAML::Key << "schema" << YAML::Value << kSchema << YAML::Key
      << "budgets" << YAML::Value << YAML::BeginSeq;
  for (const Budget& budget : budgets) {
    out << YAML::BeginMap;
    if (!budget.key.empty()) out << YAML::Key << "key" << YAML::Value << budget.key;
    if (!budget.site.empty()) out << YAML::Key << "site" << YAML::Value << budget.site;
    if (budget.touched) out << YAML::Key << "touched" << YAML::Value << true;
    const auto bound = [&](const char* word, const std::optional<double>& value) {
      if (!value) return;
      out << YAML::Key << word << YAML::Value << bound_text(budget.name(), *value);
      if (budget.name() != "verdict") out << YAML::Comment(value_text(budget.name(), *value));
    };
    bound("at_most", budget.at_most);
    bound("at_least", budget.at_least);
    if (budget.level != BudgetLevel::kError) out << YAML::Key << "level" << YAML::Value << level_name(budget.level);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace oomcast::report
