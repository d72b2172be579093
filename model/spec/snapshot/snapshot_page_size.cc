// Refuses a snapshot of a machine whose page size is not 4 KiB, and names the size.
//
// No file of the kernel's states the page size. It is derived from, in this order: memory in kB over pages
// (proc/meminfo, or the nodes' own); the size of a huge page; the number of orders in proc/buddyinfo; the batch of the
// per-CPU lists of a large zone (zone_batchsize() in mm/page_alloc.c limits it in bytes); the architecture.
#include <algorithm>
#include <bit>

#include "model/spec/parse_text.h"
#include "model/spec/snapshot/meminfo.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int kPageKb = 4;
constexpr int kOtherPageKb[] = {8, 16, 64, 256};

std::optional<int64_t> mem_total_kb(const std::string* text) {
  const auto total = meminfo_kilobytes(text, "MemTotal:");
  return total == 0 ? std::nullopt : total;
}

// From proc/meminfo, or the sum over all nodes.
std::optional<int64_t> mem_total_kb(const SnapshotReader& reader) {
  if (const auto total = mem_total_kb(reader.text("proc/meminfo"))) return total;
  int64_t sum = 0;
  for (const NodeSpec& node : reader.spec.nodes) {
    const auto one =
        mem_total_kb(reader.text("sys/devices/system/node/node" + std::to_string(node.id.value) + "/meminfo"));
    if (!one) return std::nullopt;
    sum += *one;
  }
  return sum;
}

struct PageCounts {
  int64_t managed = 0, present = 0;
};
PageCounts count_pages(const HostSpec& spec) {
  PageCounts sum;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      sum.managed += zone.managed.count();
      sum.present += zone.present.count();
    }
  }
  return sum;
}

// A balloon or hotplug lets MemTotal exceed the managed memory, but never the present memory.
int page_kb_by_total(int64_t total_kb, const PageCounts& pages) {
  if (total_kb / kPageKb <= pages.present + pages.present / 16) return kPageKb;
  for (const int kb : kOtherPageKb) {
    const int64_t expected = pages.managed * kb;
    if (std::abs(total_kb - expected) <= expected / 16) return kb;
  }
  return 0;
}

// One page table of eight-byte entries maps a huge page, so the size follows. (ppc64 has 2 MiB with 4 and with 64 KiB
// pages.)
int page_kb_by_huge_page(const SnapshotReader& reader) {
  const std::string* text = reader.text("sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
  const auto bytes = text ? parse_integer(trim(*text), 0, int64_t{1} << 40) : std::nullopt;
  if (!bytes) return 0;
  switch (*bytes >> 20) {
    case 16:
    case 512:
      return 64;
    case 32:
      return 16;
    default:
      return 0;
  }
}

// "Node 0, zone Normal 1 2 ...": eleven orders with 4 KiB pages, fourteen or nine with 64 KiB, twelve with 16 KiB.
int page_kb_by_orders(const SnapshotReader& reader) {
  const std::string* text = reader.text("proc/buddyinfo");
  if (!text) return 0;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 5 || word[0] != "Node") continue;
    if (!std::all_of(word.begin() + 4, word.end(), [](auto each) { return parse_integer(each, 0, INT64_MAX); }))
      return 0;
    const size_t orders = word.size() - 4;
    return orders == 14 || orders == 9 ? 64 : orders == 12 ? 16 : 0;
  }
  return 0;
}

// zone_batchsize(): a 1024th of the zone, at most `cap_kb`; a quarter of this, rounded to a power of two, less 1.
int64_t batch_of(int64_t managed, int page_kb, int64_t cap_kb) {
  const int64_t wanted = std::max<int64_t>(1, std::min(managed / 1024, cap_kb / page_kb) / 4);
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted + wanted / 2))) - 1;
}

// The limit was 512 KiB up to 4.19, and is 1 MiB since. Smaller zones do not reach it.
int page_kb_by_batch(const HostSpec& spec) {
  constexpr int64_t kLargeZone = 32768;
  const ZoneSpec* largest = nullptr;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      if (!zone.pcp.empty() && (!largest || zone.managed > largest->managed)) largest = &zone;
    }
  }
  if (!largest || largest->managed.count() < kLargeZone) return 0;
  const int64_t batch = largest->pcp.front().batch.count();
  for (const int kb : {kPageKb, 16, 64}) {
    for (const int64_t cap_kb : {512, 1024}) {
      if (std::max<int64_t>(1, batch) == std::max<int64_t>(1, batch_of(largest->managed.count(), kb, cap_kb)))
        return kb;
    }
  }
  return 0;
}

// Distributions build ppc64le kernels with 64 KiB pages.
bool is_power(const SnapshotReader& reader) {
  const std::string* cpuinfo = reader.text("proc/cpuinfo");
  const std::string* version = reader.text("proc/version");
  return (cpuinfo && cpuinfo->find("POWER") != std::string::npos) ||
         (version && (version->find("ppc64") != std::string::npos || version->find("powerpc64") != std::string::npos));
}

bool larger_dma_than_x86(const HostSpec& spec) {
  constexpr Pages kDma{4096};
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      if (zone.kind == ZoneKind::kDma && zone.present > kDma) return true;
    }
  }
  return false;
}

}  // namespace

void check_page_size(SnapshotReader& reader) {
  const PageCounts pages = count_pages(reader.spec);
  const auto refuse = [&](int kb, const std::string& evidence) {
    reader.fail("proc/zoneinfo", 1,
                "pages of " + std::to_string(kb) + " KiB are not supported, only those of 4 KiB (" + evidence + "; " +
                    std::to_string(pages.managed * kb >> 10) +
                    " MiB in all); describe the host as JSON with pages of 4 KiB");
  };
  if (const auto total = mem_total_kb(reader)) {
    const int kb = page_kb_by_total(*total, pages);
    if (kb > kPageKb) refuse(kb, "MemTotal / managed pages = " + std::to_string(kb) + " KiB a page");
    return;
  }
  if (const int kb = page_kb_by_huge_page(reader); kb > kPageKb) return refuse(kb, "by the size of a huge page");
  if (const int kb = page_kb_by_orders(reader); kb > kPageKb) return refuse(kb, "by the orders in proc/buddyinfo");
  const int by_batch = page_kb_by_batch(reader.spec);
  if (by_batch > kPageKb) return refuse(by_batch, "by the batch of the per-CPU lists");
  if (by_batch == kPageKb) return;
  if (is_power(reader)) return refuse(64, "as ppc64 kernels have, and no MemTotal in proc/meminfo says otherwise");
  if (larger_dma_than_x86(reader.spec)) {
    reader.assume("page size", "4 KiB", "zone DMA exceeds 16 MiB, so this is not x86-64; no MemTotal to tell by");
  }
}

}  // namespace oomcast::host
