// Prints a size in the syntax of the file that it goes into.
#include "report/fit/settings.h"

#include <algorithm>

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

std::string mib(int64_t bytes) { return std::to_string((bytes + kMiB - 1) / kMiB); }

std::string k8s_text(const Sizing& sizing) {
  // The scheduler places a pod by its request; the kernel enforces the limit.
  std::string request = mib(std::min(sizing.bytes, sizing.footprint_bytes));
  return "resources:\n  requests:\n    memory: " + request + "Mi\n  limits:\n    memory: " + mib(sizing.bytes) + "Mi\n";
}

std::string systemd_text(const Sizing& sizing) {
  std::string text = "[Service]\n";
  text += (sizing.key == "memory.high" ? "MemoryHigh=" : "MemoryMax=") + mib(sizing.bytes) + "M\n";
  if (sizing.swap_max_bytes) text += "MemorySwapMax=" + mib(*sizing.swap_max_bytes) + "M\n";
  return text;
}

std::string docker_text(const Sizing& sizing) {
  std::string text = "--memory=" + mib(sizing.bytes) + "m";
  // Docker's --memory-swap is the sum of memory and swap. Left out, it is twice the memory.
  if (sizing.swap_max_bytes) text += " --memory-swap=" + mib(sizing.bytes + *sizing.swap_max_bytes) + "m";
  if (sizing.any_swap) text += " --memory-swap=-1";
  return text + "\n";
}

std::string compose_text(const Sizing& sizing) {
  std::string text = "mem_limit: " + mib(sizing.bytes) + "m\n";
  if (sizing.swap_max_bytes) text += "memswap_limit: " + mib(sizing.bytes + *sizing.swap_max_bytes) + "m\n";
  if (sizing.any_swap) text += "memswap_limit: -1\n";
  return text;
}

/// The key "memory.max" becomes OOMCAST_MEMORY_MAX_BYTES.
std::string env_text(const Sizing& sizing) {
  std::string name = sizing.key;
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c >= '0' && c <= '9' ? c : '_';
  return "OOMCAST_" + name + "_BYTES=" + std::to_string((sizing.bytes + kMiB - 1) / kMiB * kMiB) + "\n";
}

}  // namespace

const std::vector<std::string>& setting_forms() {
  static const std::vector<std::string> forms = {"k8s", "systemd", "docker", "compose", "env"};
  return forms;
}

std::string setting_problem(const std::string& key, const std::string& form) {
  if (form == "env" || key == "memory.max") return "";
  if (form == "systemd" && key == "memory.high") return "";
  return form + " has no word for " + key + "; it can say memory.max" + (form == "systemd" ? " and memory.high" : "") +
         ", and --as env can say everything";
}

std::string setting_text(const Sizing& sizing, const std::string& form) {
  if (form == "k8s") return k8s_text(sizing);
  if (form == "systemd") return systemd_text(sizing);
  if (form == "docker") return docker_text(sizing);
  if (form == "compose") return compose_text(sizing);
  return env_text(sizing);
}

}  // namespace oomcast::report
