// Reads what differs between the hosts of a sweep. See variation.h.
#include "report/variation.h"

#include <algorithm>
#include <optional>

#include "model/spec/parse_text.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr size_t kMostValues = 1000;
constexpr size_t kMostHosts = 10000;

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::vector<std::string>> list_of(const std::string& text) {
  std::vector<std::string> values;
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    values.push_back(text.substr(at, comma - at));
    if (values.back().empty()) return Error{"an empty value"};
    at = comma + 1;
  }
  return values;
}

Result<std::vector<std::string>> range_of(const std::string& text, size_t dots) {
  size_t colon = text.find(':', dots);
  std::string last_text = text.substr(dots + 2, colon == std::string::npos ? colon : colon - dots - 2);
  std::string first_text = text.substr(0, dots), step_text = colon == std::string::npos ? "" : text.substr(colon + 1);
  auto first = host::parse_size_bytes(first_text), last = host::parse_size_bytes(last_text);
  if (!first || !last) return Error{"expected FIRST..LAST, for example 1G..16G"};
  if (*first > *last) return Error{"FIRST is above LAST; the smaller one comes first, as in 1G..16G"};
  bool with_unit = !is_number(first_text) || !is_number(last_text);
  std::optional<int64_t> step;
  if (!step_text.empty()) {
    step = host::parse_size_bytes(step_text);
    if (!step || *step <= 0) return Error{"the step after ':' is not a size or a number above 0"};
  } else if (*first <= 0) {
    return Error{"a range from 0 needs a step, for example 0..100:20"};
  }
  std::vector<std::string> values;
  for (int64_t at = *first; at <= *last; at = step ? at + *step : at * 2) {
    values.push_back(with_unit ? size_word(at) : std::to_string(at));
    if (values.size() > kMostValues) return Error{"more than " + std::to_string(kMostValues) + " values"};
  }
  return values;
}

std::string bare_key(const std::string& key) { return key.starts_with("--") ? key.substr(2) : key; }

Result<void> check_keys(const std::vector<Variation>& variations) {
  for (size_t i = 0; i < variations.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (bare_key(variations[i].key) != bare_key(variations[j].key)) continue;
      return Error{"--vary " + variations[i].key + " is given twice; write all its values as one list, for example " +
                   variations[i].key + "=" + variations[j].values.front() + "," + variations[i].values.front()};
    }
  }
  return {};
}

}  // namespace

Result<Variation> parse_variation(const std::string& text) {
  size_t equals = text.find('=');
  auto failed = [&](const std::string& what) { return Error{"--vary " + text + ": " + what}; };
  if (equals == std::string::npos || equals == 0)
    return failed("expected KEY=VALUES, for example memory=1G..16G or vm.swappiness=0,60,100");
  std::string values_text = text.substr(equals + 1);
  Variation variation{text.substr(0, equals), {}};
  // The path of a host may hold "..": it is not a range.
  size_t dots = varies_host(variation) ? std::string::npos : values_text.find("..");
  auto values = dots == std::string::npos ? list_of(values_text) : range_of(values_text, dots);
  if (!values) return failed(values.error().message);
  variation.values = std::move(values).value();
  return variation;
}

bool varies_host(const Variation& variation) { return bare_key(variation.key) == "host"; }

Result<Combinations> Combinations::of(std::vector<Variation> variations) {
  if (auto checked = check_keys(variations); !checked) return checked.error();
  size_t count = 1;
  for (const Variation& variation : variations)
    if ((count *= variation.values.size()) > kMostHosts)
      return Error{"more than " + std::to_string(kMostHosts) + " hosts; vary less at a time"};
  return Combinations(std::move(variations), count);
}

std::vector<std::string> Combinations::values(size_t number) const {
  std::vector<std::string> values(variations_.size());
  for (size_t i = variations_.size(); i-- > 0;) {
    values[i] = variations_[i].values[number % variations_[i].values.size()];
    number /= variations_[i].values.size();
  }
  return values;
}

size_t Combinations::host_at() const {
  return static_cast<size_t>(std::find_if(variations_.begin(), variations_.end(), varies_host) - variations_.begin());
}

}  // namespace oomcast::report
