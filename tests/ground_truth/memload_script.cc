// Parses memload's steps with the same forgiving number rules as the program itself (strtod, atoi, percent of pages).
#include "tests/ground_truth/memload_script.h"

#include <bit>
#include <cstdlib>

namespace oomcast::ground_truth {
namespace {

constexpr int kRegions = 32;

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  size_t at = 0;
  while ((at = text.find_first_not_of(separators, at)) != std::string_view::npos) {
    const size_t end = text.find_first_of(separators, at);
    parts.emplace_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) break;
    at = end;
  }
  return parts;
}

uint64_t size_of(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (*end == 'G')
    value *= 1 << 30;
  else if (*end == 'M')
    value *= 1 << 20;
  else if (*end == 'K')
    value *= 1 << 10;
  return static_cast<uint64_t>(value);
}

int region_of(const std::string& text) { return std::atoi(text.c_str()) % kRegions; }

struct Spelling {
  const char* name;
  StepKind kind;
  size_t words;  // the least number of words, the name included
};
constexpr Spelling kSpellings[] = {
    {"anon", StepKind::kAnon, 3},
    {"shm", StepKind::kShared, 3},
    {"heap", StepKind::kHeap, 4},
    {"w", StepKind::kWrite, 2},
    {"r", StepKind::kRead, 2},
    {"loop", StepKind::kLoop, 3},
    {"rnd", StepKind::kRandom, 4},
    {"zipf", StepKind::kZipf, 4},
    {"free", StepKind::kFree, 2},
    {"punch", StepKind::kPunch, 4},
    {"huge", StepKind::kHuge, 2},
    {"nohuge", StepKind::kNoHuge, 2},
    {"collapse", StepKind::kCollapse, 2},
    {"dontneed", StepKind::kDontneed, 2},
    {"fw", StepKind::kFileWrite, 3},
    {"fr", StepKind::kFileRead, 2},
    {"fm", StepKind::kFileMap, 2},
    {"fsync", StepKind::kFileSync, 2},
    {"sleep", StepKind::kSleep, 2},
    {"rate", StepKind::kRate, 2},
    {"adj", StepKind::kAdj, 2},
    {"wait", StepKind::kWait, 1},
    {"dense", StepKind::kDense, 2},
    {"lock", StepKind::kLock, 2},
    {"unlock", StepKind::kUnlock, 2},
    {"lockall", StepKind::kLockAll, 1},
};

Result<void> read_range(Step& step, const std::vector<std::string>& words, size_t at, const std::string& text) {
  if (words.size() <= at) return {};
  if (words.size() == at + 1) return Error{"step " + text + ": FROM without TO"};
  step.whole = false;
  step.from_percent = std::atof(words[at].c_str());
  step.to_percent = std::atof(words[at + 1].c_str());
  return {};
}

Result<Step> parse_step(const std::string& text) {
  const std::vector<std::string> words = split(text, ":");
  if (words.empty()) return Error{"an empty step"};
  Step step;
  const Spelling* spelling = nullptr;
  for (const Spelling& known : kSpellings) {
    if (words[0] == known.name) spelling = &known;
  }
  if (!spelling) return Error{"unknown step " + text};
  if (words.size() < spelling->words) return Error{"step " + text + " lacks an argument"};
  step.kind = spelling->kind;
  switch (step.kind) {
    case StepKind::kAnon:
    case StepKind::kShared:
      step.region = region_of(words[1]);
      step.size = size_of(words[2]);
      break;
    case StepKind::kHeap:
      step.region = region_of(words[1]);
      step.size = size_of(words[2]);
      step.chunk = size_of(words[3]);
      if (step.chunk == 0) return Error{"step " + text + ": a chunk of 0 bytes"};
      break;
    case StepKind::kWrite:
    case StepKind::kRead:
      step.region = region_of(words[1]);
      if (auto read = read_range(step, words, 2, text); !read) return read.error();
      break;
    case StepKind::kLoop:
      step.count = std::atoi(words[1].c_str());
      step.region = region_of(words[2]);
      if (auto read = read_range(step, words, 3, text); !read) return read.error();
      break;
    case StepKind::kRandom:
    case StepKind::kZipf:
      step.region = region_of(words[1]);
      step.count = std::atol(words[2].c_str());
      step.seed = std::atoll(words[3].c_str());
      break;
    case StepKind::kPunch:
      step.region = region_of(words[1]);
      step.first_page = static_cast<uint64_t>(std::atol(words[2].c_str()));
      step.last_page = static_cast<uint64_t>(std::atol(words[3].c_str()));
      if (step.first_page >= step.last_page || step.last_page > 512) return Error{"step " + text + ": not 0 to 512"};
      break;
    case StepKind::kFree:
    case StepKind::kDontneed:
    case StepKind::kLock:
    case StepKind::kUnlock:
    case StepKind::kHuge:
    case StepKind::kNoHuge:
    case StepKind::kCollapse:
      step.region = region_of(words[1]);
      break;
    case StepKind::kFileWrite:
      step.path = words[1];
      step.size = size_of(words[2]);
      break;
    case StepKind::kFileRead:
    case StepKind::kFileMap:
    case StepKind::kFileSync:
      step.path = words[1];
      break;
    case StepKind::kSleep:
    case StepKind::kAdj:
      step.number = std::atoi(words[1].c_str());
      break;
    case StepKind::kRate:
      step.rate = std::atof(words[1].c_str());
      break;
    case StepKind::kWait:
    case StepKind::kLockAll:
    case StepKind::kDense:
    case StepKind::kFork:
      break;
  }
  return step;
}

Result<Step> parse_argument(const std::string& text) {
  constexpr std::string_view kForkPrefix = "fork:";
  if (!text.starts_with(kForkPrefix)) return parse_step(text);
  Step fork;
  fork.kind = StepKind::kFork;
  for (const std::string& part : split(std::string_view(text).substr(kForkPrefix.size()), "+")) {
    Result<Step> step = parse_step(part);
    if (!step) return step.error();
    fork.child.push_back(std::move(step).value());
  }
  return fork;
}

/// Where the steps start in `words`, and the CPU of a `taskset`; 0 if this is no memload command.
size_t first_step(const std::vector<std::string>& words, int& pinned_cpu) {
  size_t at = 0;
  if (words.size() > 2 && words[0] == "taskset") {
    const uint64_t mask = std::strtoull(words[1].c_str(), nullptr, 16);
    pinned_cpu = std::has_single_bit(mask) ? std::countr_zero(mask) : -1;
    at = 2;
  }
  if (at >= words.size()) return 0;
  const std::string& program = words[at];
  const bool named = program == "memload" || program.ends_with("/memload");
  return named ? at + 1 : 0;
}

}  // namespace

bool is_memload(std::string_view command) {
  int pinned_cpu = -1;
  return command.find_first_of(";|&<>'\"$`") == std::string_view::npos &&
         first_step(split(command, " \t\n"), pinned_cpu) != 0;
}

Result<Script> parse_script(std::string_view command) {
  if (!is_memload(command)) return Error{"not a plain memload command: " + std::string(command)};
  const std::vector<std::string> words = split(command, " \t\n");
  Script script;
  for (size_t i = first_step(words, script.pinned_cpu); i < words.size(); ++i) {
    Result<Step> step = parse_argument(words[i]);
    if (!step) return step.error();
    script.steps.push_back(std::move(step).value());
  }
  return script;
}

}  // namespace oomcast::ground_truth
