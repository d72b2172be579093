// Reads a JSON object key by key. Each key is asked for once; what nobody asked for is a mistake.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "model/spec/json/json_lines.h"

namespace oomcast::host {

/// The file being read. The first failure wins, so readers need not check after each key.
class JsonFile {
 public:
  JsonFile(std::string name, std::string_view text)
      : name_(std::move(name)), has_lines_(!text.empty()), lines_(json_lines(text)) {}

  void fail(const std::string& path, const std::string& message) { fail_at(lines_.line_of(path), path, message); }
  void fail_at(int line, const std::string& path, const std::string& message);
  const JsonLines& lines() const { return lines_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string name_;
  bool has_lines_;
  JsonLines lines_;
  std::optional<Error> error_;
};

class JsonObject {
 public:
  /// A value that is no object is a failure; all its keys are then absent.
  JsonObject(JsonFile& file, const nlohmann::ordered_json& value, std::string path);

  /// The value of a key, nullptr when it is absent; from then on the key is known.
  const nlohmann::ordered_json* get(const char* key);
  bool has(const char* key) { return get(key) != nullptr; }
  std::string path_of(const char* key) const { return path_.empty() ? key : path_ + "." + key; }
  void fail(const char* key, const std::string& message) { file_.fail(path_of(key), message); }
  JsonFile& file() { return file_; }

  // Each leaves its target alone when the key is absent, and says whether it was there.
  bool integer(const char* key, int64_t& target, int64_t min, int64_t max);
  bool integer(const char* key, int& target, int64_t min, int64_t max);
  bool pages(const char* key, Pages& target);  // 4096 or "16M"
  bool bytes(const char* key, Bytes& target);  // 4294967296 or "4G"
  bool text(const char* key, std::string& target);
  bool flag(const char* key, bool& target);
  bool integers(const char* key, std::vector<int>& target, int64_t min, int64_t max);
  /// A decimal of the unit that the key's suffix names, kept as `scale` integers to one of it.
  bool decimal(const char* key, int64_t& target, double scale, int64_t max);
  /// Elements of an array; empty when absent.
  std::vector<const nlohmann::ordered_json*> elements(const char* key);

  /// Fails on the first key that nobody asked for, naming the nearest that was.
  void done();

 private:
  JsonFile& file_;
  const nlohmann::ordered_json* value_ = nullptr;
  std::string path_;
  std::vector<std::string> known_;
};

/// nullopt for anything but an integer in min..max.
std::optional<int64_t> whole_number(const nlohmann::ordered_json& value, int64_t min, int64_t max);
/// The value as it would stand in a file, shortened for an error.
std::string quote_json(const nlohmann::ordered_json& value);

// The parts of a host that follow once its memory is known; each lists in spec.assumed what the file left open.
void read_vm(JsonObject& root, HostSpec& spec);
void read_devices(JsonObject& root, HostSpec& spec);
void read_zswap(JsonObject& root, HostSpec& spec);  // REQUIRES: the calibration is known
void read_vfs_cache(JsonObject& root, HostSpec& spec);
void read_page_cache(JsonObject& root, HostSpec& spec);
void read_background(JsonObject& root, HostSpec& spec);  // REQUIRES: processes are known
void read_processes(JsonObject& root, HostSpec& spec);
void read_cgroup(JsonObject& root, HostSpec& spec);
void read_tmpfs(JsonObject& root, HostSpec& spec);
void read_kubelet(JsonObject& root, HostSpec& spec);

}  // namespace oomcast::host
