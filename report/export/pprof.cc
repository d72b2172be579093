// Writes a gzipped profile.proto (github.com/google/pprof/proto/profile.proto), as its readers expect it.
#include <zlib.h>

#include <map>
#include <utility>

#include "report/export/exports.h"
#include "report/export/protobuf.h"

namespace oomcast::report {
namespace {

// Field numbers of profile.proto, one enum per message.
enum ProfileField {
  kSampleType = 1,
  kSample = 2,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14
};
enum ValueTypeField { kType = 1, kUnit = 2 };
enum SampleField { kLocationId = 1, kValue = 2, kLabel = 3 };
enum LabelField { kKey = 1, kStr = 2 };
enum LocationField { kLocationOwnId = 1, kLine = 4 };
enum LineField { kFunctionId = 1, kLineNumber = 2 };
enum FunctionField { kFunctionOwnId = 1, kName = 2, kSystemName = 3, kFilename = 4 };

/// Builds the tables of a profile. As profile.proto demands, ids start at 1 and string 0 is empty.
class Profile {
 public:
  Profile() { string_id(""); }

  int64_t string_id(const std::string& text) {
    auto [entry, is_new] = strings_.try_emplace(text, static_cast<int64_t>(order_.size()));
    if (is_new) order_.push_back(text);
    return entry->second;
  }
  ProtobufMessage value_type(const std::string& type) {
    ProtobufMessage message;
    message.add_integer(kType, string_id(type));
    message.add_integer(kUnit, string_id("bytes"));
    return message;
  }
  void add_sample_type(const std::string& type) { body_.add_message(kSampleType, value_type(type)); }
  void add_sample(const std::vector<std::string>& stack, const std::string& kind, const std::vector<int64_t>& values) {
    std::vector<int64_t> locations;
    for (const std::string& frame : stack) locations.push_back(location_id(frame));
    ProtobufMessage label, sample;
    label.add_integer(kKey, string_id("kind"));
    label.add_integer(kStr, string_id(kind));
    sample.add_integers(kLocationId, locations);
    sample.add_integers(kValue, values);
    sample.add_message(kLabel, label);
    body_.add_message(kSample, sample);
  }
  void add_comment(const std::string& text) { comments_.push_back(string_id(text)); }

  std::string bytes(const std::string& default_type) {
    ProtobufMessage all = body_;
    all.add_message(kPeriodType, value_type(default_type));
    all.add_integer(kPeriod, 1);
    all.add_integers(kComment, comments_);
    all.add_integer(kDefaultSampleType, string_id(default_type));
    for (const std::string& text : order_) all.add_bytes(kStringTable, text);
    return all.bytes();
  }

 private:
  int64_t location_id(const std::string& frame) {
    auto [entry, is_new] = locations_.try_emplace(frame, static_cast<int64_t>(locations_.size()) + 1);
    if (!is_new) return entry->second;
    const FrameView view = frame_of(frame);
    ProtobufMessage line, location;
    line.add_integer(kFunctionId, function_id(view));
    line.add_integer(kLineNumber, view.line);
    location.add_integer(kLocationOwnId, entry->second);
    location.add_message(kLine, line);
    body_.add_message(kLocation, location);
    return entry->second;
  }
  int64_t function_id(const FrameView& view) {
    auto [entry, is_new] =
        functions_.try_emplace({view.function, view.file}, static_cast<int64_t>(functions_.size()) + 1);
    if (!is_new) return entry->second;
    ProtobufMessage function;
    function.add_integer(kFunctionOwnId, entry->second);
    function.add_integer(kName, string_id(view.function));
    function.add_integer(kSystemName, string_id(view.function));
    function.add_integer(kFilename, string_id(view.file));
    body_.add_message(kFunction, function);
    return entry->second;
  }

  ProtobufMessage body_;
  std::map<std::string, int64_t> strings_, locations_;
  std::vector<std::string> order_;
  std::map<std::pair<std::string, std::string>, int64_t> functions_;
  std::vector<int64_t> comments_;
};

/// Returns `bytes` gzipped, without a time or a name in the header: the same input gives the same output. Empty: zlib
/// could not allocate memory.
std::string gzipped(const std::string& bytes) {
  constexpr int kGzip = 15 + 16, kMemory = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) return "";
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string pprof_profile(const ReportView& view) {
  static const std::string kResident = "resident", kTouched = "touched";
  Profile profile;
  profile.add_sample_type(kTouched);
  profile.add_sample_type(kResident);
  for (const SiteView& site : view.sites) {
    std::vector<std::string> stack = site.stack;
    if (stack.empty()) stack.push_back("[" + site.kind + "]");
    profile.add_sample(stack, site.kind, {site.touched_bytes, site.resident_bytes_peak});
  }
  profile.add_comment("oomcast " OOMCAST_VERSION ": " + command_text(view));
  profile.add_comment("forecast for " + view.host + ": " + view.verdict.value_or("withheld"));
  return gzipped(profile.bytes(kResident));
}

}  // namespace oomcast::report
