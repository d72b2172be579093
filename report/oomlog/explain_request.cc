// Says who asked for memory, and which zone, node or cgroup was short of it.
#include <algorithm>

#include "model/base/printf_text.h"
#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

bool has_policy(const OomReport& report) {
  return !report.request.nodemask.empty() && report.request.nodemask != "(null)" && report.request.nodemask != "0";
}

std::string zone_text(const ZoneReport& zone) { return "node " + std::to_string(zone.node) + " zone " + zone.name; }

void add_zone(const OomReport& report, const ZoneState& state, std::vector<std::string>& out) {
  const Counters& kb = state.zone->kb;
  const int64_t reserve = state.needed_kb - kb.get("min") - kb.get("reserved_highatomic");
  std::string text = zone_text(*state.zone) + " had " + kb_text(kb.get("free")) + " free";
  if (state.free_kb < kb.get("free"))
    text += " (" + kb_text(kb.get("free") - state.free_kb) + " of it CMA, which this request may not use)";
  text += "; its marks are min " + kb_text(kb.get("min")) + ", low " + kb_text(kb.get("low")) + ", high " +
          kb_text(kb.get("high"));
  if (kb.get("boost") > 0) text += " (raised by a boost of " + kb_text(kb.get("boost")) + ")";
  if (kb.get("reserved_highatomic") > 0)
    text += ", " + kb_text(kb.get("reserved_highatomic")) + " is kept for atomic requests";
  if (reserve > 0) text += ", and " + kb_text(reserve) + " more is kept from requests that could use a higher zone";
  const int order = std::max(0, report.request.order.value_or(0));
  if (state.above_kb() < 0)
    text += ": " + kb_text(-state.above_kb()) + " too little.";
  else if (order > 0 && !state.zone->free_blocks.empty())
    text += ": enough, but " + (state.in_order_kb == 0 ? std::string("none") : "only " + kb_text(state.in_order_kb)) +
            " of it in pieces of order " + std::to_string(order) + " or larger.";
  else
    text += ": " + kb_text(state.above_kb()) + " above the min mark when the report was written.";
  out.push_back(text);
}

void add_charge(const char* name, const Charge& charge, std::vector<std::string>& out) {
  std::string text = std::string(name) + ": " + kb_text(charge.usage_kb) + " used of " +
                     (charge.unlimited() ? "no limit" : kb_text(charge.limit_kb));
  if (charge.failcnt > 0) text += ", " + report::count_text(charge.failcnt) + " times at the limit";
  out.push_back(text + ".");
}

void add_memcg(const OomReport& report, std::vector<std::string>& out) {
  const MemcgReport& group = *report.memcg;
  std::string first = "The limit of cgroup " + (group.path.empty() ? "(not named)" : group.path) +
                      " was reached, not the end of the host's memory";
  if (group.memory && !group.memory->unlimited() && group.memory->usage_kb < group.memory->limit_kb)
    first += ": what was asked for did not fit below it";
  out.push_back(first + ".");
  if (!group.task_path.empty() && group.task_path != group.path)
    out.push_back("The victim was in " + group.task_path + ", below it.");
  if (group.memory) add_charge("Memory", *group.memory, out);
  if (group.memory_and_swap) add_charge("Memory and swap", *group.memory_and_swap, out);
  if (group.swap) add_charge("Swap", *group.swap, out);
  if (group.kernel_memory && group.kernel_memory->usage_kb > 0) add_charge("Kernel memory", *group.kernel_memory, out);
}

}  // namespace

Section explain_request(const OomReport& report) {
  Section section{"asked", "Who asked", {}};
  const Request& request = report.request;
  if (!report.has_header) return section;
  std::string text = (request.pid ? task_text(*request.pid, request.comm) : request.comm) + " asked for ";
  if (request.order == -1) {
    section.sentences.push_back(request.comm +
                                ": the OOM killer was called by hand (SysRq f), not for want of memory.");
    return section;
  }
  const int order = request.order.value_or(0);
  if (!request.order)
    text += "memory (the order is not in the log)";
  else if (order == 0)
    text += "one page (order 0, " + kb_text(report.page_kb) + ")";
  else if (order < 20)
    text += report::count_text(int64_t{1} << order) + " pages in one piece (order " + std::to_string(order) + ", " +
            kb_text(report.page_kb << order) + ")";
  else
    text += "pages of order " + std::to_string(order);
  // A charge to a cgroup has GFP_KERNEL, whatever the page is for.
  if (report.memcg)
    text += ", charged to its cgroup";
  else if (const std::string purpose = purpose_of(request); !purpose.empty() && !report.mem_info.empty())
    text += ": " + purpose;
  section.sentences.push_back(text + ".");
  if (request.gfp_mask) {
    std::string flags = printf_text("gfp_mask 0x%lx", static_cast<unsigned long>(*request.gfp_mask));
    if (!request.gfp_names.empty()) flags += ", " + request.gfp_names;
    section.sentences.push_back(flags + ".");
  }
  if (report.killed && request.pid && *request.pid != report.killed->pid && request.comm != report.killed->comm)
    section.sentences.push_back(
        "It asked at the moment when memory had run out, and need not be the one that used it up.");
  return section;
}

Section explain_shortage(const OomReport& report) {
  Section section{"short", "What was short", {}};
  std::vector<std::string>& out = section.sentences;
  if (report.memcg) {
    add_memcg(report, out);
    return section;
  }
  const Request& request = report.request;
  if (report.constraint == "CONSTRAINT_CPUSET")
    out.push_back("Only the nodes of its cpuset were allowed (mems_allowed " + request.mems_allowed + ").");
  if (report.constraint == "CONSTRAINT_MEMORY_POLICY" || has_policy(report))
    out.push_back("A memory policy allowed nodes " + request.nodemask +
                  " only (mbind, set_mempolicy or numactl --membind).");
  const char* const names[] = {"DMA", "DMA32", "Normal", "Movable"};
  if (request.gfp_mask && highest_zone(request) < 2)
    out.push_back(std::string("The request could use nothing above zone ") + names[highest_zone(request)] + ".");
  bool had_enough = false;
  for (const ZoneState& state : zone_states(report)) {
    if (state.zone->kb.has("managed") && state.zone->kb.get("managed") == 0) continue;
    if (state.usable)
      add_zone(report, state, out);
    else if (state.above_kb() > 0)
      out.push_back(zone_text(*state.zone) + " had " + kb_text(state.zone->kb.get("free")) +
                    " free, which this request could not use (" + (state.allowed_node ? "the zone" : "the node") +
                    " was not allowed).");
    had_enough |= state.usable && state.above_kb() > 0;
  }
  if (had_enough && request.order.value_or(0) > 0)
    out.push_back("Memory was fragmented rather than used up: compaction could not make a piece that large.");
  else if (had_enough && !out.empty())
    out.push_back(
        "Free memory above the min mark came back between the failed request and this report, or reclaim was stuck on "
        "something else than the number of free pages.");
  return section;
}

}  // namespace oomcast::oomlog
