// The parts of one sweep in a folder. See parts_folder.h.
#include "report/fleet/parts_folder.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "report/fleet/part_file.h"
#include "report/fleet/sweep_identity.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;
using State = FoundPart::State;

constexpr int64_t kMostPartBytes = int64_t{1} << 30;

std::string part_name(const Part& part) { return fmt::format("part-{:04}-of-{:04}.jsonl", part.number, part.parts); }

std::string part_words(const Part& part) {
  return "part " + std::to_string(part.number) + " of " + std::to_string(part.parts);
}

std::vector<std::string> keys_of(const Combinations& combinations) {
  std::vector<std::string> keys;
  for (const Variation& variation : combinations.variations()) keys.push_back(variation.key);
  return keys;
}

}  // namespace

PartsFolder::PartsFolder(std::string path, const SweepInput& input, const Combinations& combinations)
    : path_(std::move(path)), input_(input), combinations_(combinations), sweep_(sweep_identity(input, combinations)) {}

Result<void> PartsFolder::create() const {
  std::error_code failed;
  fs::create_directories(path_, failed);
  if (failed || !fs::is_directory(path_, failed))
    return Error{"--parts " + path_ + ": " + (failed ? failed.message() : "Not a directory") +
                 "; give a folder that can be written to"};
  return {};
}

std::string PartsFolder::file_of(const Part& part) const { return path_ + "/" + part_name(part); }

FoundPart PartsFolder::read(const Part& part) const {
  const SweepRange range = range_of(part, combinations_.count());
  const std::string file = file_of(part);
  const auto found = [&](State state, const std::string& what) {
    return FoundPart{state, part_words(part) + " " + what, {}};
  };
  std::error_code failed;
  if (!fs::exists(file, failed))
    return found(State::kMissing, "is missing: no " + file + "; it has rows " + std::to_string(range.first + 1) +
                                      " to " + std::to_string(range.first + range.count));
  const auto text = read_whole_file(file, kMostPartBytes);
  if (!text) return found(State::kDamaged, "cannot be read: " + file + ": " + text.error().message);
  auto content = parse_part_file(text.value());
  if (!content) return found(State::kDamaged, content.error().message + ": " + file);
  if (content->sweep != sweep_)
    return found(State::kForeign, "is of another sweep (other trace, host, options or version of oomcast): " + file);
  bool same_place = content->part.number == part.number && content->part.parts == part.parts &&
                    content->range.first == range.first && content->range.count == range.count &&
                    content->keys == keys_of(combinations_);
  for (size_t i = 0; same_place && i < content->rows.size(); ++i)
    same_place = content->rows[i].values == combinations_.values(range.first + i);
  if (!same_place) return found(State::kForeign, "is not what its name says, but other rows of the sweep: " + file);
  if (content->hosts != hosts_identity(input_, combinations_, range))
    return found(State::kForeign, "was made when its hosts were described otherwise than now: " + file);
  return {State::kWhole, "", std::move(content->rows)};
}

Result<void> PartsFolder::write(const ReportFile& file, const Part& part, std::vector<SweepRow> rows) const {
  const SweepRange range = range_of(part, combinations_.count());
  const std::string text = part_text(
      {sweep_, hosts_identity(input_, combinations_, range), part, range, keys_of(combinations_), std::move(rows)});
  if (auto written = file.write(text, static_cast<int>(::getpid())); !written) return written.error();
  return {};
}

size_t PartsFolder::parts_in(const std::string& file_name) {
  size_t number = 0, parts = 0;
  if (std::sscanf(file_name.c_str(), "part-%9zu-of-%9zu.jsonl", &number, &parts) != 2) return 0;
  return part_name({number, parts}) == file_name ? parts : 0;
}

Result<size_t> PartsFolder::division() const {
  std::error_code failed;
  fs::directory_iterator entries(path_, failed);
  if (failed) return Error{"--parts " + path_ + ": " + failed.message() + "; give the folder that holds the parts"};
  std::set<size_t> divisions;
  for (const auto& entry : entries) divisions.insert(parts_in(entry.path().filename().string()));
  divisions.erase(0);
  if (divisions.empty()) return size_t{0};
  if (divisions.size() == 1) return *divisions.begin();
  std::string all;
  for (const size_t parts : divisions) all += (all.empty() ? "" : " and ") + std::to_string(parts);
  return Error{"--parts " + path_ + ": holds parts of sweeps divided by " + all +
               "; say with --split which one is meant"};
}

std::vector<size_t> PartsFolder::missing(size_t parts) const {
  std::vector<size_t> numbers;
  std::error_code failed;
  std::set<std::string> there;
  for (const auto& entry : fs::directory_iterator(path_, failed)) there.insert(entry.path().filename().string());
  for (size_t number = 1; number <= parts; ++number)
    if (!there.contains(part_name({number, parts}))) numbers.push_back(number);
  return numbers;
}

MergedParts PartsFolder::merged(size_t parts) const {
  std::vector<SweepRow> rows;
  std::vector<std::string> problems;
  for (size_t number = 1; number <= parts; ++number) {
    FoundPart found = read({number, parts});
    if (found.state != State::kWhole) problems.push_back(std::move(found.problem));
    std::move(found.rows.begin(), found.rows.end(), std::back_inserter(rows));
  }
  if (!problems.empty()) return problems;
  return rows;
}

}  // namespace oomcast::report
