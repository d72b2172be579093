// Reads a host description from a file of any known kind. See host_text.h.
#include "report/host_files/host_text.h"

#include <array>
#include <filesystem>
#include <utility>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "report/host_files/archive.h"
#include "report/host_files/sosreport.h"
#include "report/kubernetes/node.h"
#include "report/oomlog/host_of.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr int64_t kLogBytesMost = int64_t{512} << 20;
/// Where a sosreport has the kernel's log; the most specific file first.
constexpr std::array<std::string_view, 7> kLogs = {"sos_commands/kernel/dmesg",
                                                   "sos_commands/kernel/dmesg_-T",
                                                   "sos_commands/logs/journalctl_--no-pager_--boot",
                                                   "var/log/kern.log",
                                                   "var/log/messages",
                                                   "sos_commands/logs/journalctl_--no-pager",
                                                   "var/log/syslog"};

std::optional<size_t> log_rank(std::string_view member) {
  for (size_t rank = 0; rank < kLogs.size(); ++rank)
    if (member == kLogs[rank] || member.ends_with("/" + std::string(kLogs[rank]))) return rank;
  return std::nullopt;
}

/// A text that is no host, but that people have in the same folder as one.
std::optional<Error> not_a_host(std::string_view text, const std::string& path) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return Error{path + ": is empty; copy it again, or make one with 'oomcast host capture --file FILE'"};
  const bool json = text.find("\"apiVersion\"") != std::string_view::npos;
  if (json || text.starts_with("apiVersion:") || text.find("\napiVersion:") != std::string_view::npos)
    return Error{path +
                 ": is of Kubernetes, but no node of it; give what 'kubectl get node NAME -o yaml' prints as "
                 "--host, and a pod's manifest with --limits-from FILE"};
  return std::nullopt;
}

std::optional<Error> nothing_to_choose(const std::string& path, const HostChoice& choice) {
  if (choice.nth)
    return Error{path + ": --nth " + std::to_string(*choice.nth) +
                 " chooses a kill of a kernel log or a node of a list, but the file holds neither"};
  if (!choice.name.empty())
    return Error{path + ":" + choice.name + ": names a node of a list, but the file holds no Kubernetes nodes"};
  return std::nullopt;
}

Result<host::HostSpec> host_of_plain_text(std::string_view text, const std::string& path, const HostChoice& choice) {
  if (!oomlog::is_oom_log(text)) {
    if (is_kubernetes_node(text)) return host_of_kubernetes_node(std::string(text), path, choice.nth, choice.name);
    if (auto bad = nothing_to_choose(path, choice)) return *bad;
    if (auto bad = not_a_host(text, path)) return *bad;
    return host::parse_host_text(text, path);
  }
  if (!choice.name.empty()) return *nothing_to_choose(path, {std::nullopt, choice.name});
  const auto report = oomlog::parse_oom_report(text, path, choice.nth);
  if (!report) return report.error();
  return oomlog::host_of(report.value(), std::filesystem::path(path).filename().string());
}

}  // namespace

Result<host::HostSpec> host_of_text(std::string_view text, const std::string& path, const HostChoice& choice) {
  if (!is_archive(text)) return host_of_plain_text(text, path, choice);
  auto archive = read_archive(text, path, may_be_of_sosreport);
  if (!archive) return archive.error();
  if (archive->text) return host_of_plain_text(*archive->text, path, choice);
  if (auto bad = nothing_to_choose(path, choice)) return *bad;
  auto files = sosreport_in(archive.value(), path);
  if (!files) return files.error();
  archive = ArchiveContent{};
  return host::parse_snapshot(std::move(files).value());
}

Result<std::string> kernel_log_in(std::string text, const std::string& path) {
  if (!is_archive(text)) return text;
  ArchiveLimits limits;
  limits.member_bytes = kLogBytesMost;
  auto archive = read_archive(
      text, path, [](std::string_view member) { return log_rank(member).has_value(); }, limits);
  if (!archive) return archive.error();
  if (archive->text) return *std::move(archive->text);
  std::string* best = nullptr;
  size_t best_rank = kLogs.size();
  for (auto& [member, log] : archive->files)
    if (const size_t rank = *log_rank(member); rank < best_rank && oomlog::is_oom_log(log)) {
      best = &log;
      best_rank = rank;
    }
  if (best) return std::move(*best);
  return Error{path + ": is an archive, and no kernel log in it has an OOM report; looked for " +
               joined_text({kLogs.begin(), kLogs.end()}, ", ")};
}

}  // namespace oomcast::report
