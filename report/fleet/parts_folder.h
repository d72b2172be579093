// Keeps the parts of one sweep in a folder: a file for each, written whole or not at all, and merged.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/base/result.h"
#include "report/fleet/part.h"
#include "report/report_file.h"
#include "report/sweep.h"

namespace oomcast::report {

/// What was found where a part's file should be.
struct FoundPart {
  enum class State { kWhole, kMissing, kDamaged, kForeign };
  State state = State::kMissing;
  std::string problem;         // a sentence that names part and file; empty if whole
  std::vector<SweepRow> rows;  // if whole
};

/// The rows of all parts in their order, or what is wrong: a sentence for each part that is not whole.
using MergedParts = std::variant<std::vector<SweepRow>, std::vector<std::string>>;

class PartsFolder {
 public:
  /// REQUIRES: `input` and `combinations` live longer.
  PartsFolder(std::string path, const SweepInput& input, const Combinations& combinations);

  /// Makes the folder if there is none.
  Result<void> create() const;
  const std::string& path() const { return path_; }
  /// What tells this sweep from others (sweep_identity()).
  const std::string& sweep() const { return sweep_; }
  /// "DIR/part-0003-of-0010.jsonl".
  std::string file_of(const Part& part) const;

  FoundPart read(const Part& part) const;
  /// An unwritable place is found now.
  Result<ReportFile> prepare(const Part& part) const { return ReportFile::prepare(file_of(part), "--parts"); }
  Result<void> write(const ReportFile& file, const Part& part, std::vector<SweepRow> rows) const;

  /// Into how many parts the files there divide the sweep; 0: there is no part. An error if they do not agree.
  Result<size_t> division() const;
  /// The parts without a file, ascending. Files are not looked into.
  std::vector<size_t> missing(size_t parts) const;
  MergedParts merged(size_t parts) const;

 private:
  /// How many parts the file's name says that there are; 0: it is no part's name.
  static size_t parts_in(const std::string& file_name);

  std::string path_;
  const SweepInput& input_;
  const Combinations& combinations_;
  std::string sweep_;
};

}  // namespace oomcast::report
