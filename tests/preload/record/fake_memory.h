// A kernel of the test's own behind MemoryView: mappings and page tables that the test writes down.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "preload/record/kernel/memory_view.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {

enum class FakePageKind : uint8_t { kAnonymous, kZero, kFile };

struct FakePage {
  FakePageKind kind = FakePageKind::kAnonymous;
  bool mapped_once = true;  // no other process maps it
  bool written = true;      // not write-protected
  bool has_content = true;
};

class FakeMemory final : public MemoryView {
 public:
  // The kernel's side, for the test to write and to read.
  std::map<uint64_t, FakePage> pages;
  std::vector<Vma> vmas;
  uint64_t answers_to = UINT64_MAX;  // scans end there: the process is ending
  bool fast = true;                  // PAGEMAP_SCAN and PROCMAP_QUERY
  bool alive = true;
  std::string status_text, smaps_text;
  mutable std::vector<PageRange> scanned;  // all that was asked for, in order
  mutable size_t mapping_reads = 0;

  Vma& map(uint64_t start, uint64_t page_count, bool writable = true) {
    Vma vma;
    vma.start = start;
    vma.end = start + page_count * kPage;
    vma.readable = true;
    vma.writable = writable;
    return map(vma);
  }
  Vma& map(const Vma& vma) {
    const auto behind = std::upper_bound(vmas.begin(), vmas.end(), vma.start,
                                         [](uint64_t at, const Vma& other) { return at < other.start; });
    return *vmas.insert(behind, vma);
  }
  void unmap(uint64_t start) {
    std::erase_if(vmas, [start](const Vma& vma) { return vma.start == start; });
  }
  void touch(uint64_t start, uint64_t page_count, FakePage page = {}) {
    for (uint64_t i = 0; i < page_count; ++i) pages[start + i * kPage] = page;
  }
  void drop(uint64_t start, uint64_t page_count) {
    pages.erase(pages.lower_bound(start), pages.lower_bound(start + page_count * kPage));
  }

  uint64_t scan(ScanKind kind, uint64_t start, uint64_t end, const FoundRun& found) const override {
    scanned.emplace_back(start, end);
    const uint64_t known_to = std::min(end, std::max(start, answers_to));
    uint64_t run = 0, run_end = 0;
    for (auto at = pages.lower_bound(start); at != pages.end() && at->first < known_to; ++at) {
      if (!matches(kind, at->second)) continue;
      if (at->first != run_end) {
        if (run_end != 0) found(run, run_end);
        run = at->first;
      }
      run_end = at->first + kPage;
    }
    if (run_end != 0) found(run, run_end);
    return known_to;
  }
  std::vector<uint64_t> entries(uint64_t start, uint64_t count) const override {
    std::vector<uint64_t> out;
    if (!alive) return out;
    for (uint64_t i = 0; i < count; ++i) {
      const auto at = pages.find(start + i * kPage);
      out.push_back(at == pages.end() ? 0 : uint64_t{1} << 63 | uint64_t{at->second.mapped_once} << 56);
    }
    return out;
  }
  std::vector<Vma> mappings() const override {
    ++mapping_reads;
    return alive ? vmas : std::vector<Vma>();
  }
  bool mapping_at(uint64_t address, Vma* out) const override {
    for (const Vma& vma : vmas)
      if (vma.start <= address && address < vma.end) {
        *out = vma;
        return true;
      }
    return false;
  }
  Resident resident() const override {
    Resident out;
    out.known = alive;
    for (const auto& [address, page] : pages)
      ++(page.kind == FakePageKind::kAnonymous ? out.own_pages : out.shared_pages);
    for (const Vma& vma : vmas) {
      out.size_pages += (vma.end - vma.start) / kPage;
      if (vma.writable && !vma.shared) out.data_pages += (vma.end - vma.start) / kPage;
    }
    return out;
  }
  std::string status() const override { return status_text; }
  std::string smaps() const override { return smaps_text; }
  size_t read(uint64_t address, void* out, size_t bytes) const override {
    size_t done = 0;
    for (; done < bytes; done += kPage) {
      const auto at = pages.find(address + done);
      if (at == pages.end()) break;
      std::memset(static_cast<char*>(out) + done, at->second.has_content ? 1 : 0, kPage);
    }
    return done;
  }
  bool scans_fast() const override { return fast; }
  bool queries_mappings() const override { return fast; }

  void begin_address_space() override {}
  void open() override {}
  bool has_memory() const override { return alive && !vmas.empty(); }
  bool lives() const override { return alive; }
  bool follow_living_thread() override { return false; }

 private:
  static bool matches(ScanKind kind, const FakePage& page) {
    switch (kind) {
      case ScanKind::kResident:
        return page.kind == FakePageKind::kAnonymous;
      case ScanKind::kAnonymous:
        return page.kind != FakePageKind::kZero;  // it does not ask whose the page is
      case ScanKind::kShared:
        return page.kind == FakePageKind::kFile;
      case ScanKind::kWritten:
        return page.kind == FakePageKind::kAnonymous && page.written;
      case ScanKind::kZero:
        return page.kind == FakePageKind::kZero;
    }
    return false;
  }
};

}  // namespace oomcast::record
