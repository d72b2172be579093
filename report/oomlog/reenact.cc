// Turns an OOM report into a host and a recording for the model. See reenact.h.
#include "report/oomlog/reenact.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/spec/json/json_host.h"
#include "model/spec/node_list.h"
#include "model/spec/read_host.h"
#include "model/trace/comm.h"
#include "model/trace/trace_writer.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/host_of.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

using trace::Event;
using trace::EventKind;

constexpr int64_t kLeastGrowthPages = 4096;  // 16 MiB
constexpr uint64_t kWindowPages = 64;        // pages per event
constexpr uint64_t kBase = uint64_t{0x10} << 40;

/// A process of the log that takes its memory in the recording.
struct Actor {
  int pid = 0;
  std::string comm;
  int oom_score_adj = 0;
  int64_t pages = 0;
};

int64_t swapped_pages(const OomReport& report, int pid) {
  const TaskRow* row = report.task(pid);
  return row ? std::min(row->swap_entries, kCountLimit) : 0;
}

/// Anonymous pages. Older kernels print only the sum with file pages.
int64_t anon_pages(const TaskRow& row) { return std::min(row.rss_anon.value_or(row.rss), kCountLimit); }

Actor actor_of(const OomReport& report, const Killed& killed) {
  Actor actor{killed.pid, killed.comm, killed.oom_score_adj.value_or(0), 0};
  const TaskRow* row = report.task(killed.pid);
  if (row) actor.oom_score_adj = row->oom_score_adj;
  actor.pages = killed.anon_rss_kb ? pages_of_kb(*killed.anon_rss_kb).count() : row ? anon_pages(*row) : 0;
  return actor;
}

/// The task that asked, if it is in the table and was not killed.
std::optional<Killed> asker_of(const OomReport& report) {
  if (!report.request.pid) return std::nullopt;
  const int pid = *report.request.pid;
  if (pid == report.killed->pid) return std::nullopt;
  for (const Killed& other : report.also_killed)
    if (other.pid == pid) return std::nullopt;
  const TaskRow* row = report.task(pid);
  if (!row || row->oom_score_adj == -1000) return std::nullopt;
  Killed asker;
  asker.pid = pid;
  asker.comm = row->comm;
  asker.anon_rss_kb = anon_pages(*row) * 4;
  return asker;
}

/// Writes the actors' events, as a recorder would.
class Script {
 public:
  Script(const OomReport& report, const host::HostSpec& host) {
    trace::TraceHeader header;
    header.command = {report.killed->comm};
    header.host_json = host::to_json(host);
    writer_.emplace([this](std::string_view block) { return bytes_.append(block), true; }, header);
    summary_.command = header.command;
    summary_.exited = true;
    summary_.tracker = "userfaultfd";
  }

  void start(const Actor& actor) {
    const auto pid = static_cast<uint32_t>(actor.pid);
    add(pid, EventKind::kProcessStart, 0, 0);
    const auto [first, second] = trace::comm_words(actor.comm);
    add(pid, EventKind::kComm, first, second);
    add(pid, EventKind::kOomScoreAdj, static_cast<uint64_t>(static_cast<int64_t>(actor.oom_score_adj)), 0);
  }
  /// Maps memory and writes to all of it. `after`: pages that the actor took before, which lie in front.
  void take(const Actor& actor, int64_t after, int64_t pages) {
    if (pages <= 0) return;
    const auto pid = static_cast<uint32_t>(actor.pid);
    const uint64_t start = kBase + (static_cast<uint64_t>(after) << 12), count = static_cast<uint64_t>(pages);
    add(pid, EventKind::kMap, start, count << 12, trace::kPrivate | trace::kAnonymous | trace::kWritable);
    for (uint64_t done = 0; done < count; done += kWindowPages)
      add(pid, EventKind::kTouch, start + (done << 12), std::min(kWindowPages, count - done) << 12, trace::kWrite);
    summary_.tracked_peak_bytes += count << 12;
    summary_.rss_peak_bytes += count << 12;
  }
  std::string finish() {
    summary_.events = events_;
    writer_->finish(summary_);
    return std::move(bytes_);
  }

 private:
  void add(uint32_t pid, EventKind kind, uint64_t address, uint64_t bytes, uint8_t flags = 0) {
    Event event;
    event.time_ns = ++events_ * 1000;
    event.compute_ns = 1000;
    event.pid = event.tid = pid;
    event.kind = kind;
    event.address = address;
    event.bytes = bytes;
    event.flags = flags;
    writer_->add(event);
  }

  std::string bytes_;
  std::optional<trace::TraceWriter> writer_;
  trace::CaptureSummary summary_;
  uint64_t events_ = 0;
};

std::optional<Error> not_playable(const OomReport& report) {
  if (report.request.order == -1) return Error{"the OOM killer was called by hand"};
  if (report.refused) return Error{"nobody was killed"};
  if (!report.killed) return Error{"the log does not say who was killed"};
  if (const auto& memory = report.memcg ? report.memcg->memory : std::nullopt;
      memory && memory->usage_kb > memory->limit_kb / 10 * 11)
    return Error{"the group held more than its limit, which had been lowered below it"};
  if (report.request.order.value_or(0) > 0)
    return Error{"the request was for " + std::to_string(int64_t{1} << std::min(*report.request.order, 20)) +
                 " pages in one piece, and the model's programs ask for single pages"};
  if (!report.memcg && for_low_zone(report))
    return Error{"the request was a device's, for a low zone, and the model's programs take any"};
  if (only_programs_had_room(report))
    return Error{"the kernel's own memory was short, and the model's programs take memory that programs had enough of"};
  if (report.page_kb != 4) return Error{"the host's pages are of " + std::to_string(report.page_kb) + " KiB"};
  return std::nullopt;
}

/// In KiB. A limit of memory and swap together is simulated as one of memory, without swap: both stop the group when
/// they hold as much.
int64_t limit_in_force(const OomReport& report) {
  const MemcgReport& group = *report.memcg;
  return std::min(limit_of_both(report) ? group.memory_and_swap->limit_kb : group.memory->limit_kb, kCountLimit);
}

/// A host on which only the group's limit is short: a cgroup's report says nothing of the host.
Result<host::HostSpec> host_around(const OomReport& report, const std::vector<Actor>& actors, const std::string& name) {
  const MemcgReport& group = *report.memcg;
  if (!limit_of_both(report) && (!group.memory || group.memory->unlimited()))
    return Error{"the log does not say the limit of the group's memory"};
  const int64_t limit = limit_in_force(report) * 1024;
  const Version version = version_of(report);
  int64_t held = 0;
  for (const Actor& actor : actors) held += (actor.pages + actor.pages / 512 + 1) * kPageBytes;
  // Charged to the group, but not held by these processes: page cache that could not be freed, slab, tmpfs.
  const Charge& used = limit_of_both(report) ? *group.memory_and_swap : *group.memory;
  const int64_t rest = std::max<int64_t>(0, std::min(used.usage_kb, kCountLimit) * 1024 - held);
  const int64_t shmem = std::clamp<int64_t>(group.stat_bytes.get("shmem"), 0, rest) / kPageBytes * kPageBytes;
  const std::string path = "/group";
  const nlohmann::ordered_json root = {
      {"schema", host::kHostSchema},
      {"kernel", std::to_string(version.version.major) + "." + std::to_string(version.version.minor)},
      {"nodes",
       {{{"managed", limit + limit / 2 + (int64_t{2} << 30)},
         {"lru_pages", {{"inactive_anon", shmem / kPageBytes}}},
         {"shmem_pages", shmem / kPageBytes}}}},
      {"cgroups",
       {{{"path", path},
         {"memory.max", limit},
         {"memory.current", rest},
         {"file", shmem},
         {"shmem", shmem},
         {"memory.oom.group", report.group_killed.empty() ? 0 : 1}}}},
      {"cgroup", {{"path", path}, {"memory.max", limit}, {"memory.oom.group", report.group_killed.empty() ? 0 : 1}}}};
  auto host = host::host_from_json(root, "", "", name);
  if (!host) return Error{"no host can be made around the group: " + host.error().message};
  return host;
}

/// Adds the report's other tasks, largest first: a cgroup's report lists only tasks of the group.
void add_rest_of_group(const OomReport& report, std::vector<Actor>& actors) {
  constexpr size_t kMost = 64;
  std::vector<const TaskRow*> rows;
  for (const TaskRow& row : report.tasks)
    if (std::none_of(actors.begin(), actors.end(), [&](const Actor& actor) { return actor.pid == row.pid; }))
      rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const TaskRow* a, const TaskRow* b) { return anon_pages(*a) > anon_pages(*b); });
  int64_t left = report.memcg->memory ? pages_of_kb(report.memcg->memory->usage_kb).count() : kCountLimit;
  for (const Actor& actor : actors) left -= actor.pages;
  if (report.memcg->stat_bytes.has("anon"))
    left = std::min(left, report.memcg->stat_bytes.get("anon") / kPageBytes - actors.front().pages);
  for (const TaskRow* row : rows) {
    const int64_t pages = std::min(anon_pages(*row), left);
    if (pages <= 0 || actors.size() >= kMost) return;
    left -= pages;
    actors.push_back({row->pid, row->comm, row->oom_score_adj, pages});
  }
}

/// The host of the report, with the actors' memory free.
Result<host::HostSpec> host_before(OomReport report, const std::optional<Killed>& asker, const std::string& name) {
  if (asker) report.also_killed.push_back(*asker);
  auto host = host_of(report, name);
  if (!host) {
    const std::string& message = host.error().message;
    return Error{message.starts_with(name + ": ") ? message.substr(name.size() + 2) : message};
  }
  return host;
}

}  // namespace

Result<Reenactment> reenact(const OomReport& report, const std::string& name) {
  if (auto bad = not_playable(report)) return *bad;
  const std::optional<Killed> asker = asker_of(report);
  std::vector<Actor> actors{actor_of(report, *report.killed)};
  for (const Killed& other : report.also_killed) actors.push_back(actor_of(report, other));
  if (asker) actors.push_back(actor_of(report, *asker));
  if (actors.front().pages <= 0) return Error{"the log does not say how much memory the victim held"};
  if (!report.memcg || limit_of_both(report))
    for (Actor& actor : actors) actor.pages += swapped_pages(report, actor.pid);
  if (report.memcg) add_rest_of_group(report, actors);
  auto host = report.memcg ? host_around(report, actors, name) : host_before(report, asker, name);
  if (!host) return host.error();
  // The resident sizes include huge pages already.
  host->vm.thp_enabled = host::ThpMode::kNever;

  Reenactment out;
  int64_t held = 0;
  for (const Actor& actor : actors) held += actor.pages;
  const int64_t growth = std::max(kLeastGrowthPages, actors.front().pages / 10);
  out.held = to_bytes(Pages(held));
  out.growth = to_bytes(Pages(growth));
  if (out.held.count() > kReenactedBytesMost)
    return Error{"its processes held " + report::bytes_text(out.held) + ", more than " +
                 report::bytes_text(Bytes(kReenactedBytesMost)) + " take too long"};
  Script script(report, host.value());
  // The victim takes its memory last, and the task that asked before the victim.
  for (size_t i = actors.size(); i-- > 0;) {
    script.start(actors[i]);
    script.take(actors[i], 0, actors[i].pages);
  }
  script.take(actors.front(), actors.front().pages, growth);
  out.trace = script.finish();
  out.host = std::move(host).value();
  return out;
}

}  // namespace oomcast::oomlog
