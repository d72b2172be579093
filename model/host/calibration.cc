// How fast is the host? calibration.json of a snapshot, and the documented figures where it says nothing.
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/host/json_lines.h"
#include "model/host/parse_text.h"
#include "model/host/snapshot_reader.h"

namespace oomcast::host {
namespace {

using nlohmann::ordered_json;
constexpr const char* kPath = "calibration.json";

// A recent server on its own metal, and a SATA or virtual SSD.
constexpr Nanoseconds kPageFault{800};
constexpr int64_t kPageTouchPs = 1000;
constexpr Nanoseconds kCpuLoop{40'000'000};
constexpr DeviceTimes kSsd{Nanoseconds(90'000), Nanoseconds(30'000), Nanoseconds(250'000), Nanoseconds(150'000)};

class CalibrationFile {
 public:
  CalibrationFile(SnapshotReader& reader, const std::string& text) : reader_(reader), lines_(json_lines(text)) {}

  // Numbers in the file are decimals; the host keeps integers, `scale` of them to one of the file's units.
  int64_t read(const ordered_json& object, const std::string& path, const char* key, double scale, int64_t max) {
    if (!object.contains(key)) return 0;
    const std::string full = path.empty() ? key : path + "." + key;
    const ordered_json& value = object[key];
    const double scaled = value.is_number() ? value.get<double>() * scale : -1;
    if (!(scaled >= 0) || scaled > static_cast<double>(max)) {
      fail(full, "is " + quote(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace)) +
                     ", expected a number from 0 to " + std::to_string(static_cast<int64_t>(static_cast<double>(max) / scale)));
      return 0;
    }
    return std::llround(scaled);
  }

  DeviceTimes read_device(const ordered_json& root, const char* key, bool& given) {
    DeviceTimes times;
    if (!root.contains(key)) return times;
    const ordered_json& device = root[key];
    if (!device.is_object()) {
      fail(key, "is not an object; expected {\"read_4k_us\": 90.0, ...}");
      return times;
    }
    given = true;
    const auto ns = [&](const char* name) { return Nanoseconds(read(device, key, name, 1000.0, 60'000'000'000)); };
    times = {ns("read_4k_us"), ns("write_4k_us"), ns("read_128k_us"), ns("write_128k_us")};
    // A disk that was only read from: writes take as long, reads likewise. Zero would be free.
    fill(times.read_4k, times.write_4k, kSsd.read_4k, std::string(key) + ".read_4k_ns");
    fill(times.write_4k, times.read_4k, kSsd.write_4k, std::string(key) + ".write_4k_ns");
    fill(times.read_128k, times.write_128k, kSsd.read_128k, std::string(key) + ".read_128k_ns");
    fill(times.write_128k, times.read_128k, kSsd.write_128k, std::string(key) + ".write_128k_ns");
    return times;
  }

 private:
  void fail(const std::string& path, const std::string& what) { reader_.fail(kPath, lines_.line_of(path), path + " " + what); }

  void fill(Nanoseconds& time, Nanoseconds sibling, Nanoseconds standard, const std::string& field) {
    if (time.count() != 0) return;
    time = sibling.count() != 0 ? sibling : standard;
    reader_.assume(field, std::to_string(time.count()), sibling.count() != 0 ? "not in calibration.json; as the other direction" : "not in calibration.json; an SSD");
  }

  SnapshotReader& reader_;
  JsonLines lines_;
};

}  // namespace

void assume_calibration(HostSpec& spec, bool disk_given, bool swap_given, const char* why) {
  const auto note = [&](const std::string& field, int64_t value) {
    spec.assumed.push_back(field + ": " + std::to_string(value) + " (" + why + ")");
  };
  Calibration& speed = spec.calibration;
  if (speed.page_fault.count() == 0) note("calibration.page_fault_ns", (speed.page_fault = kPageFault).count());
  if (speed.page_touch_ps == 0) note("calibration.page_touch_ps", speed.page_touch_ps = kPageTouchPs);
  if (speed.cpu_loop_20m.count() == 0) note("calibration.cpu_loop_20m_ns", (speed.cpu_loop_20m = kCpuLoop).count());
  const std::string ssd = std::string(": an SSD, 90 us per 4 KiB read, 30 us per write, 250 and 150 us per 128 KiB (") + why + ")";
  if (!disk_given) {
    spec.disk = kSsd;
    spec.assumed.push_back("disk" + ssd);
  }
  if (!swap_given && !spec.swaps.empty()) {
    for (SwapSpec& swap : spec.swaps) swap.times = kSsd;
    spec.assumed.push_back("swap times" + ssd);
  }
}

void read_calibration(SnapshotReader& reader) {
  bool disk_given = false, swap_given = false;
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
    spec.disk = file.read_device(root, "disk", disk_given);
    const DeviceTimes swap_times = file.read_device(root, "swap", swap_given);
    for (SwapSpec& swap : spec.swaps) swap.times = swap_times;
  }
  if (reader.error) return;
  assume_calibration(reader.spec, disk_given, swap_given, "not in calibration.json");
}

}  // namespace oomcast::host
