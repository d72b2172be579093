// Writes the state of the modelled kernel at the moments of a report; `oomcast show` prints it.
#include "model/host/vmstat.h"
#include "model/spec/node_counters.h"
#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

Json lru_json(const host::LruSizes& lru) {
  Json lists = Json::object();
  for (const host::LruCounter& counter : host::kLruCounters) lists[counter.key] = (lru.*counter.of).count();
  return lists;
}

Json zone_json(const sim::ZoneMoment& zone) {
  return {{"zone", host::zone_name(zone.kind)},
          {"free_pages", zone.free.count()},
          {"free_cma_pages", zone.free_cma.count()},
          {"boost_pages", zone.boost.count()},
          {"watermarks", watermarks_json(zone.watermarks)},
          {"present_pages", zone.present.count()},
          {"managed_pages", zone.managed.count()},
          {"write_pending_pages", zone.write_pending.count()},
          {"lru_pages", lru_json(zone.lru)}};
}

Json node_json(const sim::NodeMoment& node) {
  Json zones = Json::array();
  for (const sim::ZoneMoment& zone : node.zones) zones.push_back(zone_json(zone));
  return {{"node", node.id.value},
          {"lru_pages", lru_json(node.lru)},
          {"dirty_pages", node.dirty.count()},
          {"writeback_pages", node.writeback.count()},
          {"shmem_pages", node.shmem.count()},
          {"mapped_pages", node.mapped.count()},
          {"slab_reclaimable_pages", node.slab_reclaimable.count()},
          {"zones", zones}};
}

/// Leaves out the counters that are 0: a hundred names at each of ten moments would be a quarter of the report.
Json changed_counters_json(const host::VmstatArray& counters) {
  Json changed = Json::object();
  for (int i = 0; i < host::kVmstatCount; ++i)
    if (counters.at_index(i) != 0) changed[host::kVmstatNames[static_cast<size_t>(i)]] = counters.at_index(i);
  return changed;
}

}  // namespace

Json moments_json(const sim::Outcome& outcome, const std::vector<SiteRow>& sites) {
  Json moments = Json::array();
  for (size_t i = 0; i < outcome.moments.size(); ++i) {
    const sim::Moment& moment = outcome.moments[i];
    Json resident = Json::array();
    for (const SiteRow& site : sites) resident.push_back(i < site.resident_at.size() ? site.resident_at[i].count() : 0);
    Json nodes = Json::array();
    for (const sim::NodeMoment& node : moment.nodes) nodes.push_back(node_json(node));
    moments.push_back(
        {{"name", moment.name},
         {"t_s", json_seconds(moment.t)},
         {"app_footprint_bytes", moment.app_footprint.count()},
         {"swap_total_bytes", to_bytes(moment.swap_total).count()},
         {"swap_free_bytes", to_bytes(moment.swap_free).count()},
         {"committed_bytes", to_bytes(moment.committed).count()},
         {"nodes", nodes},
         {"counters", changed_counters_json(moment.counters)},
         {"pressure",
          {{"some", pressure_line_json(moment.pressure_some)}, {"full", pressure_line_json(moment.pressure_full)}}},
         {"site_resident_bytes", resident}});
  }
  return moments;
}

}  // namespace oomcast::report
