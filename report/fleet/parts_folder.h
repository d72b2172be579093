// The parts of one sweep in a folder: one file each, written whole or not at all; and their merge.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/base/result.h"
#include "report/fleet/part.h"
#include "report/report_file.h"
#include "report/sweep.h"

namespace oomcast::report {

/// What is in the place of a part's file.
struct FoundPart {
  enum class State { kWhole, kMissing, kDamaged, kForeign };
  State state = State::kMissing;
  std::string problem;         // a sentence that names part and file; empty if the part is whole
  std::vector<SweepRow> rows;  // if the part is whole
};

/// The rows of all parts in order, or one sentence for each part that is not whole.
using MergedParts = std::variant<std::vector<SweepRow>, std::vector<std::string>>;

class PartsFolder {
 public:
  /// REQUIRES: `input` and `combinations` outlive the object.
  PartsFolder(std::string path, const SweepInput& input, const Combinations& combinations);

  /// Makes the folder if it does not exist.
  Result<void> create() const;
  const std::string& path() const { return path_; }
  /// sweep_identity() of this sweep.
  const std::string& sweep() const { return sweep_; }
  /// "DIR/part-0003-of-0010.jsonl".
  std::string file_of(const Part& part) const;

  FoundPart read(const Part& part) const;
  /// Checks that the part's file can be written, before the work begins.
  Result<ReportFile> prepare(const Part& part) const { return ReportFile::prepare(file_of(part), "--parts"); }
  Result<void> write(const ReportFile& file, const Part& part, std::vector<SweepRow> rows) const;

  /// The number of parts into which the files divide the sweep; 0: there is no part file. An error if files disagree.
  Result<size_t> division() const;
  /// The parts without a file, ascending. Does not read the files.
  std::vector<size_t> missing(size_t parts) const;
  MergedParts merged(size_t parts) const;

 private:
  /// The number of parts in the file's name; 0: it is not the name of a part.
  static size_t parts_in(const std::string& file_name);

  std::string path_;
  const SweepInput& input_;
  const Combinations& combinations_;
  std::string sweep_;
};

}  // namespace oomcast::report
