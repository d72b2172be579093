// Reads the host's speeds from calibration.json of a snapshot.
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/spec/defaults.h"
#include "model/spec/json/json_lines.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

using nlohmann::ordered_json;
constexpr const char* kPath = "calibration.json";

class CalibrationFile {
 public:
  CalibrationFile(SnapshotReader& reader, const std::string& text) : reader_(reader), lines_(json_lines(text)) {}

  // Reads a decimal number and returns it in the host's unit, an integer: `scale` of these make one of the file's unit.
  int64_t read(const ordered_json& object, const std::string& path, const char* key, double scale, int64_t max) {
    if (!object.contains(key)) return 0;
    const std::string full = path.empty() ? key : path + "." + key;
    const ordered_json& value = object[key];
    const double scaled = value.is_number() ? value.get<double>() * scale : -1;
    if (!(scaled >= 0) || scaled > static_cast<double>(max)) {
      fail(full, "is " + quote(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace)) +
                     ", expected a number from 0 to " +
                     std::to_string(static_cast<int64_t>(static_cast<double>(max) / scale)));
      return 0;
    }
    return std::llround(scaled);
  }

  DeviceTimes read_device(const ordered_json& root, const char* key) {
    DeviceTimes times;
    if (!root.contains(key)) return times;
    const ordered_json& device = root[key];
    if (!device.is_object()) {
      fail(key, "is not an object; expected {\"read_4k_us\": 90.0, ...}");
      return times;
    }
    const auto ns = [&](const char* name) { return Nanoseconds(read(device, key, name, 1000.0, 60'000'000'000)); };
    times = {ns("read_4k_us"), ns("write_4k_us"), ns("read_128k_us"), ns("write_128k_us")};
    return times;
  }

  void fail(const std::string& path, const std::string& what) {
    reader_.fail(kPath, lines_.line_of(path), path + " " + what);
  }

 private:
  SnapshotReader& reader_;
  JsonLines lines_;
};

}  // namespace

// The block size in this file replaces the one that snapshot_files.cc derived.
static void read_block_size(CalibrationFile& file, const ordered_json& root, HostSpec& spec) {
  if (!root.contains("disk") || !root["disk"].is_object() || !root["disk"].contains("block_bytes")) return;
  spec.file_block_bytes = file.read(root["disk"], "disk", "block_bytes", 1, 4096);
  if (!is_block_size(spec.file_block_bytes)) {
    file.fail("disk.block_bytes", "is no block size; expected 1024, 2048, 4096, or 0 for XFS and btrfs");
  }
}

void read_calibration(SnapshotReader& reader) {
  if (const std::string* text = reader.text(kPath)) {
    ordered_json root;
    try {
      root = ordered_json::parse(*text);
    } catch (const ordered_json::parse_error& error) {
      return reader.fail(kPath, line_of_byte(*text, error.byte), "is not JSON here; is the file cut off?");
    } catch (const ordered_json::exception&) {
      return reader.fail(kPath, 1, "holds a number that is too large");
    }
    if (!root.is_object()) return reader.fail(kPath, 1, "is not a JSON object; expected {\"page_fault_ns\": 800, ...}");
    CalibrationFile file(reader, *text);
    HostSpec& spec = reader.spec;
    spec.calibration.page_fault = Nanoseconds(file.read(root, "", "page_fault_ns", 1, 1'000'000'000));
    spec.calibration.page_touch_ps = file.read(root, "", "page_touch_ns", 1000, 1'000'000'000);
    spec.calibration.cpu_loop_20m = Nanoseconds(file.read(root, "", "cpu_loop_20m_s", 1e9, 3'600'000'000'000));
    spec.disk = file.read_device(root, "disk");
    read_block_size(file, root, spec);
    const DeviceTimes swap_times = file.read_device(root, "swap");
    for (SwapSpec& swap : spec.swaps) swap.times = swap_times;
  }
  if (reader.error) return;
  assume_calibration(reader.spec, "not in calibration.json");
  assume_ssd(reader.spec, reader.spec.disk, "disk", "not in calibration.json");
  for (size_t i = 0; i < reader.spec.swaps.size(); ++i) {
    assume_swap_times(reader.spec, reader.spec.swaps[i], "swap[" + std::to_string(i) + "]", "not in calibration.json");
  }
}

}  // namespace oomcast::host
