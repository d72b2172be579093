// Samples memory over time. See timeline.h.
#include "model/sim/timeline.h"

#include <algorithm>

#include "model/sim/moment.h"
#include "model/spec/proportion.h"

namespace oomcast::sim {

using host::LruKindIndex;
using host::Vmstat;

namespace {

constexpr size_t kRowsMax = 600;

// The rates of `later` become those of both rows: means weighted with the time that each row covers.
void add_rates(const TimelineRow& earlier, Nanoseconds earlier_for, TimelineRow& later, Nanoseconds later_for) {
  const int64_t all = earlier_for.count() + later_for.count();
  if (all <= 0) return;
  // In parts of 1024: a rate times nanoseconds may not fit.
  const int64_t part = std::clamp<int64_t>(host::proportion(1024, earlier_for.count(), all), 0, 1024);
  for (const auto rate : {&TimelineRow::pgscan_kswapd_s, &TimelineRow::pgscan_direct_s, &TimelineRow::pgsteal_s,
                          &TimelineRow::pswpin_s, &TimelineRow::pswpout_s, &TimelineRow::pgmajfault_s,
                          &TimelineRow::kswapd_cpu_permille, &TimelineRow::pressure_some_permille})
    later.*rate = (earlier.*rate * part + later.*rate * (1024 - part)) / 1024;
}

}  // namespace

Timeline::Timeline(const host::Host& host, Scheduler& scheduler, Pressure& pressure, std::vector<FiberId> kswapds)
    : host_(host), scheduler_(scheduler), pressure_(pressure), kswapds_(std::move(kswapds)) {
  for (const host::Node& node : host.nodes) bands_.push_back({node.id, {}, {}, {}, {}});
}

// Adds the time since the last sample to the band of each node: free pages against the marks, zones above DMA together.
// Zone DMA counts only on a node without DMA32.
void Timeline::add_bands() {
  const Nanoseconds passed = scheduler_.now() - last_sample_;
  for (const host::NodeIndex n : host_.nodes.indices()) {
    int64_t free = 0, min = 0, low = 0, high = 0;
    for (const host::Zone& zone : host_.nodes[n].zones) {
      if (zone.managed == 0 ||
          (zone.kind == host::ZoneKind::kDma && host_.nodes[n].zones[host::ZoneKind::kDma32].managed > 0))
        continue;
      free += zone.free;
      min += zone.min_mark();
      low += zone.low_mark();
      high += zone.high_mark();
    }
    Bands& band = bands_[n.place()];
    (free > high  ? band.above_high
     : free > low ? band.high_to_low
     : free > min ? band.low_to_min
                  : band.below_min) += passed;
  }
}

void Timeline::add_row() {
  TimelineRow row;
  row.t = scheduler_.now();
  int64_t writeback = 0, dirty = 0;
  for (const host::Node& node : host_.nodes) {
    row.node_free.push_back(Pages(node.free()));
    row.inactive_anon += Pages(node.size(LruKindIndex::kInactiveAnon));
    row.active_anon += Pages(node.size(LruKindIndex::kActiveAnon));
    row.inactive_file += Pages(node.size(LruKindIndex::kInactiveFile));
    row.active_file += Pages(node.size(LruKindIndex::kActiveFile));
    writeback += node.nr_writeback;
    dirty += node.nr_dirty;
  }
  row.swap_used = Pages(host_.total_swap - host_.free_swap() - host_.cached_slots);
  row.dirty = Pages(dirty);
  row.writeback = Pages(writeback);
  const int64_t passed = std::max<int64_t>(1, (row.t - row_start_.t).count());
  const auto per_second = [&](int64_t delta) { return delta * 1'000'000'000 / passed; };
  const int64_t scan_kswapd = host_.vmstat[Vmstat::pgscan_kswapd], scan_direct = host_.vmstat[Vmstat::pgscan_direct];
  const int64_t steal = host_.vmstat[Vmstat::pgsteal_anon] + host_.vmstat[Vmstat::pgsteal_file];
  Nanoseconds busy;
  for (FiberId kswapd : kswapds_) busy += scheduler_.busy_ns(kswapd);
  const Nanoseconds some = pressure_.host().some_since_last_row(row.t);
  row.pgscan_kswapd_s = per_second(scan_kswapd - row_start_.scan_kswapd);
  row.pgscan_direct_s = per_second(scan_direct - row_start_.scan_direct);
  row.pgsteal_s = per_second(steal - row_start_.steal);
  row.kswapd_cpu_permille = (busy - row_start_.kswapd_busy).count() * 1000 / passed;
  row.pressure_some_permille = std::min<int64_t>(1000, some.count() * 1000 / passed);
  row.app_footprint = to_bytes(Pages(host_.guest_anon + host_.guest_swapped));
  const int64_t swap_in = host_.vmstat[Vmstat::pswpin], swap_out = host_.vmstat[Vmstat::pswpout],
                major_faults = host_.vmstat[Vmstat::pgmajfault];
  row.pswpin_s = per_second(swap_in - row_start_.swap_in);
  row.pswpout_s = per_second(swap_out - row_start_.swap_out);
  row.pgmajfault_s = per_second(major_faults - row_start_.major_faults);
  for (host::CgroupIndex at = host_.app_cgroup; at != host::kRootCgroup; at = host_.cgroups[at].parent)
    row.group_usage.push_back(Pages(host_.cgroups[at].usage));
  row_start_ = {row.t, busy, scan_kswapd, scan_direct, steal, swap_in, swap_out, major_faults};
  rows_.push_back(std::move(row));
}

// Drops every second row, and halves the rate of new rows. The rates of a dropped row go into the row behind it.
void Timeline::thin() {
  std::vector<TimelineRow> kept;
  Nanoseconds before;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i % 2 == 0 && i + 1 < rows_.size()) continue;
    if (i % 2 == 1) add_rates(rows_[i - 1], rows_[i - 1].t - before, rows_[i], rows_[i].t - rows_[i - 1].t);
    before = rows_[i].t;
    kept.push_back(std::move(rows_[i]));
  }
  rows_ = std::move(kept);
  samples_per_row_ *= 2;
}

void Timeline::sample() {
  add_bands();
  pressure_.average(scheduler_.now());
  last_sample_ = scheduler_.now();
  note_peak();
  if (++samples_ % samples_per_row_ != 0) return;
  add_row();
  if (rows_.size() >= kRowsMax) thin();
}

void Timeline::note_peak() {
  const int64_t footprint = host_.guest_anon + host_.guest_swapped;
  if (footprint == 0 || (peak_ && to_pages(peak_->app_footprint).count() >= footprint)) return;
  peak_ = moment_of("peak", scheduler_.now(), host_);
  add_pressure(*peak_);
}

void Timeline::add_pressure(Moment& moment) const {
  PressureGroup host = pressure_.host();  // a copy: update() changes the averages, as reading /proc/pressure does
  host.update(scheduler_.now());
  moment.pressure_some = host.some();
  moment.pressure_full = host.full();
}

Series Timeline::finish(std::vector<Moment>& moments) {
  sample();
  if (peak_) moments.push_back(std::move(*peak_));
  moments.push_back(moment_of("end", scheduler_.now(), host_));
  add_pressure(moments.back());
  Series series{std::move(bands_), moments.back().pressure_some, moments.back().pressure_full, std::move(rows_), {}};
  std::stable_sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) { return a.t < b.t; });
  for (host::CgroupIndex at = host_.app_cgroup; at != host::kRootCgroup; at = host_.cgroups[at].parent) {
    PressureGroup& group = pressure_.of(at);
    group.update(scheduler_.now());
    series.groups.push_back({group_state(host_.cgroups[at]), group.some(), group.full()});
  }
  return series;
}

}  // namespace oomcast::sim
