// Says who asked for memory, and which zone, node or cgroup was short of it.
#include <fmt/core.h>

#include <algorithm>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

std::string zone_text(const ZoneReport& zone) { return "node " + std::to_string(zone.node) + " zone " + zone.name; }

bool only_with_cma(const ZoneState& state) {
  const Counters& kb = state.zone->kb;
  return state.free_kb == kb.get("free") && state.above_kb() >= 0 && kb.get("free_cma") > state.above_kb();
}

void add_zone(const OomReport& report, const ZoneState& state, std::vector<std::string>& out) {
  const Counters& kb = state.zone->kb;
  const bool waits = !could_not_wait(report);
  const int64_t atomic = waits ? kb.get(kb.has("free_highatomic") ? "free_highatomic" : "reserved_highatomic") : 0;
  const int64_t mark = mark_kb(report, *state.zone), reserve = state.needed_kb - mark;
  std::string text = zone_text(*state.zone) + " had " + kb_text(kb.get("free")) + " free";
  if (state.free_kb < kb.get("free"))
    text += " (" + kb_text(kb.get("free") - state.free_kb) + " of it CMA, which this request may not use)";
  text += "; its marks are min " + kb_text(kb.get("min")) + ", low " + kb_text(kb.get("low")) + ", high " +
          kb_text(kb.get("high"));
  if (kb.get("boost") > 0) text += " (raised by a boost of " + kb_text(kb.get("boost")) + ")";
  if (mark < kb.get("min")) text += ", " + kb_text(mark) + " for a request as urgent as this";
  if (atomic > 0) text += ", " + kb_text(atomic) + " is kept for atomic requests";
  if (reserve > 0) text += ", and " + kb_text(reserve) + " more is kept from requests that could use a higher zone";
  const int order = std::max(0, report.request.order.value_or(0));
  if (state.above_kb() < 0)
    text += ": " + kb_text(-state.above_kb()) + " too little.";
  else if (lacks_pieces(report, state))
    text += ": enough, but " + (state.in_order_kb == 0 ? std::string("none") : "only " + kb_text(state.in_order_kb)) +
            " of it in pieces of order " + std::to_string(order) + " or larger" +
            (state.kept_in_order_kb == 0
                 ? "."
                 : " (" + kb_text(state.kept_in_order_kb) + " more are kept for atomic requests, CMA or another use).");
  else if (order > 0 && !state.zone->free_blocks.empty())
    text += ": enough when the report was written, " + kb_text(state.in_order_kb) + " of it in pieces of order " +
            std::to_string(order) + " or larger.";
  else if (only_with_cma(state))
    text += ": enough only with its free CMA, " + kb_text(kb.get("free_cma")) +
            ", which is kept for a device and lent to some movable pages.";
  else
    text += ": " + kb_text(state.above_kb()) + " above the min mark when the report was written.";
  out.push_back(text);
}

void add_charge(const char* name, const Charge& charge, std::vector<std::string>& out) {
  if (charge.unlimited() && charge.usage_kb == 0) return;  // swap and kernel memory that are not counted, or not used
  std::string text = std::string(name) + ": " + kb_text(charge.usage_kb) + " used of " +
                     (charge.unlimited() ? "no limit" : kb_text(charge.limit_kb));
  if (charge.failcnt > 0) text += ", " + report::count_text(charge.failcnt) + " times at the limit";
  out.push_back(text + ".");
}

void add_memcg(const OomReport& report, std::vector<std::string>& out) {
  const MemcgReport& group = *report.memcg;
  const bool both = limit_of_both(report);
  std::string first = std::string("The limit of ") + (both ? "memory and swap together of " : "") + "cgroup " +
                      (group.path.empty() ? "(not named)" : group.path) +
                      " was reached, not the end of the host's memory";
  if (!both && group.memory && !group.memory->unlimited() && group.memory->usage_kb < group.memory->limit_kb)
    first += ": what was asked for did not fit below it";
  out.push_back(first + ".");
  if (!group.task_path.empty() && group.task_path != group.path)
    out.push_back("The victim was in " + group.task_path + ", below it.");
  if (group.memory) add_charge("Memory", *group.memory, out);
  if (group.memory_and_swap) add_charge("Memory and swap", *group.memory_and_swap, out);
  if (group.swap) add_charge("Swap", *group.swap, out);
  if (group.kernel_memory && group.kernel_memory->usage_kb > 0) add_charge("Kernel memory", *group.kernel_memory, out);
}

/// What fills the zones that the kernel's own memory must lie in.
void add_low_memory(const OomReport& report, std::vector<std::string>& out) {
  if (!only_programs_had_room(report)) return;
  int64_t low = 0;
  for (const ZoneState& state : zone_states(report))
    if (state.usable) low += managed_kb(*state.zone);
  if (low == 0) {
    out.push_back(
        "None of the zones that it was allowed can hold memory of the kernel's or memory that cannot be moved: the "
        "request could not succeed, whatever is free.");
    return;
  }
  const bool high = has_high_memory(report);
  out.push_back("The kernel's own memory has to lie in the lower zones, " + kb_text(low) + " here; " +
                (high ? "zone HighMem of this 32-bit kernel" : "zone Movable") + " is for programs and files only.");
  std::string text;
  for (const auto& [name, words] : {std::pair{"slab_unreclaimable", "slab"},
                                    {"slab_reclaimable", "slab called reclaimable"},
                                    {"pagetables", "page tables"}})
    if (const int64_t kb = pages_kb(report, name); kb > 0)
      text += (text.empty() ? "" : ", ") + (kb_text(kb) + " of ") + words;
  if (const int64_t stacks = kernel_stacks_kb(report); stacks > 0)
    text += (text.empty() ? "" : ", ") + kb_text(stacks) + " of kernel stacks";
  if (!text.empty()) out.push_back("The kernel held " + text + (high ? " (page tables may lie in HighMem)." : "."));
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
  else if (const std::string purpose = purpose_of(report); !purpose.empty() && !report.mem_info.empty())
    text += ": " + purpose;
  section.sentences.push_back(text + ".");
  if (request.gfp_mask) {
    std::string flags = fmt::format("gfp_mask {:#x}", *request.gfp_mask);
    if (!request.gfp_names.empty()) flags += ", " + request.gfp_names;
    section.sentences.push_back(flags + ".");
  }
  if (could_not_wait(report))
    section.sentences.push_back(
        "It could not wait for memory to be reclaimed; many drivers try again, and nothing is lost.");
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
  if (request.order == -1) return section;  // nothing was short
  if (report.constraint == "CONSTRAINT_CPUSET")
    out.push_back("Only the nodes of its cpuset were allowed (mems_allowed " + request.mems_allowed + ").");
  if (report.constraint == "CONSTRAINT_MEMORY_POLICY" || has_policy(report))
    out.push_back(
        "A memory policy allowed " +
        std::string(nodes_in(request.nodemask).value_or(std::vector<int>{}).size() == 1 ? "node " : "nodes ") +
        request.nodemask + " only (mbind, set_mempolicy or numactl --membind).");
  if (for_low_zone(report))
    out.push_back("The request could use nothing above zone " + std::string(highest_zone(report)) + ".");
  add_low_memory(report, out);
  bool had_enough = false;
  for (const ZoneState& state : zone_states(report)) {
    if (managed_kb(*state.zone) == 0) continue;
    if (state.usable)
      add_zone(report, state, out);
    else if (state.above_kb() > 0)
      out.push_back(zone_text(*state.zone) + " had " + kb_text(state.zone->kb.get("free")) +
                    " free, which this request could not use (" + (state.allowed_node ? "the zone" : "the node") +
                    " was not allowed).");
    had_enough |= state.usable && state.above_kb() > 0 && !only_with_cma(state);
  }
  if (fragmented(report))
    out.push_back(std::string("Memory was fragmented rather than used up") +
                  (could_not_wait(report) ? ", and the request could not wait for compaction."
                                          : ": compaction could not make a piece that large."));
  else if (had_enough && !out.empty() && !report.refused)
    out.push_back(
        "Free memory above the min mark came back between the failed request and this report, or reclaim was stuck on "
        "something else than the number of free pages.");
  return section;
}

}  // namespace oomcast::oomlog
