// Builds a valid host for a test in one line, in the words of people who run servers.
//
//   HostBuilder().node(512_MiB).swap(1_GiB).process(80, "sshd", 2_MiB, -1000).set("vm.swappiness", 0).build()
//
// Everything is free but what is asked for; transparent huge pages are off; marks and reserves follow the kernel's
// rules.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/host_spec.h"
#include "model/spec/read_host.h"
#include "model/spec/watermarks.h"

namespace oomcast::support {

using namespace oomcast::literals;

class HostBuilder {
 public:
  HostBuilder() {
    spec_.name = "test";
    spec_.vm.thp_enabled = host::ThpMode::kNever;
    spec_.calibration = {Nanoseconds(1000), 1000, Nanoseconds(40'000'000)};
    kernel(6, 1);
  }

  HostBuilder& kernel(int major, int minor) {
    spec_.kernel = {major, minor};
    spec_.kernel_release = std::to_string(major) + "." + std::to_string(minor) + ".0-test";
    return *this;
  }
  HostBuilder& multi_gen() {
    spec_.lru = host::LruKind::kMultiGen;
    return *this;
  }

  HostBuilder& huge_pages(host::ThpMode mode, host::ThpDefrag defrag = host::ThpDefrag::kMadvise) {
    spec_.vm.thp_enabled = mode;
    spec_.vm.thp_defrag = defrag;
    return *this;
  }

  /// A node as firmware lays it out: the first one owns the DMA zone.
  HostBuilder& node(Bytes memory) { return add_node(to_pages(memory), false); }
  /// A node with nothing but one DMA32 zone, for tests that count pages by hand.
  HostBuilder& plain_node(Pages pages) { return add_node(pages, true); }

  // These refine the node that was added last.
  HostBuilder& cpus(int count) {
    last().cpus = count;
    return *this;
  }
  HostBuilder& page_cache(Pages inactive, Pages active = {}) {
    last().inactive_file = inactive;
    last().active_file = active;
    return *this;
  }
  /// Pages that belong to no process and cannot be reclaimed: what the kernel itself holds.
  HostBuilder& kernel_uses(Pages pages) {
    last().kernel = pages;
    return *this;
  }

  /// A file system in memory that holds so much.
  HostBuilder& tmpfs(const std::string& mount, Bytes size) {
    spec_.tmpfs.push_back({mount, size});
    return *this;
  }

  /// Dentries that nobody uses, each with its inode unless `inodes` says otherwise, and the slab that they fill.
  HostBuilder& dentries(int64_t count, int64_t inodes = -1) {
    host::VfsCacheSpec& cache = spec_.vfs_cache;
    if (inodes < 0) inodes = count;
    cache.dentries_unused += count;
    cache.dentries_negative += count - inodes;
    cache.inodes += inodes;
    last().slab = Pages((count * cache.dentry_bytes + inodes * cache.inode_bytes + kPageBytes - 1) / kPageBytes);
    return *this;
  }

  /// A file that is in the page cache at the start, on the lists of the last node.
  HostBuilder& caches(int64_t file_id, Pages pages, Pages dirty = {}, int active_percent = 0) {
    spec_.page_cache.push_back(
        {"/file" + std::to_string(file_id), file_id, to_bytes(pages), to_bytes(dirty), active_percent});
    last().active_file += pages * active_percent / 100;
    last().inactive_file += pages - pages * active_percent / 100;
    return *this;
  }
  /// Somebody else who reads (or writes) a file all the while, that many bytes a second.
  HostBuilder& reader(int64_t file_id, Bytes file_size, Bytes each_second, int pid = 0) {
    return background("reader", file_id, file_size, each_second, {}, pid);
  }
  HostBuilder& writer(int64_t file_id, Bytes file_size, Bytes each_second) {
    return background("writer", file_id, file_size, {}, each_second, 0);
  }

  /// 100 us per 4 KiB read or write, 300 us per 128 KiB.
  HostBuilder& swap(Bytes size, Bytes used = {}, int priority = 0) {
    host::SwapSpec swap;
    swap.name = "/dev/swap" + std::to_string(spec_.swaps.size());
    swap.size = size;
    swap.used = used;
    swap.priority = priority != 0 ? priority : -2 - static_cast<int>(spec_.swaps.size());
    swap.times = {Nanoseconds(100'000), Nanoseconds(100'000), Nanoseconds(300'000), Nanoseconds(300'000)};
    spec_.swaps.push_back(swap);
    return *this;
  }

  /// A process that stands on the host before the run; its pages lie on the inactive list of the first node.
  HostBuilder& process(int pid, std::string comm, Bytes rss, int oom_score_adj = 0) {
    host::ProcessSpec process;
    process.pid = pid;
    process.parent_pid = pid == 1 ? 0 : 1;
    process.comm = std::move(comm);
    process.rss_anon = process.total_vm = to_pages(rss);
    process.oom_score_adj = oom_score_adj;
    spec_.processes.push_back(std::move(process));
    return *this;
  }

  /// The program runs in a cgroup with this memory.max.
  HostBuilder& limit(Bytes memory_max) {
    spec_.cgroup.present = true;
    spec_.cgroup.memory_max = memory_max.count();
    return *this;
  }

  /// Any field of VmTunables that is a number, under its sysctl name: set("vm.swappiness", 0).
  HostBuilder& set(std::string_view name, int64_t value) {
    const std::string_view plain = name.starts_with("vm.") ? name.substr(3) : name;
    for (const host::VmField& field : host::vm_fields()) {
      if (field.name != plain) continue;
      field.set(spec_.vm, value);
      return *this;
    }
    ADD_FAILURE() << "no sysctl " << name;
    return *this;
  }

  host::HostSpec build() const {
    host::HostSpec spec = spec_;
    std::vector<host::NodeMemory> memory;
    for (size_t i = 0; i < shapes_.size(); ++i) {
      host::NodeSpec node;
      node.id = NodeId{static_cast<int>(i)};
      for (size_t j = 0; j < shapes_.size(); ++j) node.distance.push_back(i == j ? 10 : 20);
      for (int c = 0; c < shapes_[i].cpus; ++c) {
        node.cpus.push_back(static_cast<int>(spec.cpus.size()));
        spec.cpus.push_back(static_cast<int>(spec.cpus.size()));
      }
      spec.total_ram += shapes_[i].managed;
      memory.push_back({shapes_[i].managed, shapes_[i].managed, shapes_[i].managed});
      spec.nodes.push_back(std::move(node));
    }
    const auto laid_out = host::lay_out_zones(spec, memory);
    EXPECT_TRUE(laid_out.ok()) << (laid_out.ok() ? "" : laid_out.error().message);
    for (size_t i = 0; i < shapes_.size(); ++i) {
      if (shapes_[i].plain) make_plain(spec.nodes[i], shapes_[i].managed);
      fill(spec.nodes[i], shapes_[i]);
    }
    Pages resident;
    for (const host::ProcessSpec& process : spec.processes) resident += process.rss_anon;
    host::ZoneSpec& home = spec.nodes[0].zones.back();
    home.lru.inactive_anon += resident;
    home.free -= resident;
    host::setup_zones(spec);
    const auto valid = host::validate(spec);
    EXPECT_TRUE(valid.ok()) << (valid.ok() ? "" : valid.error().message);
    return spec;
  }

 private:
  struct Shape {
    Pages managed;
    bool plain = false;
    int cpus = 1;
    Pages inactive_file, active_file, kernel, slab;
  };

  HostBuilder& background(const char* comm, int64_t file_id, Bytes file_size, Bytes read, Bytes write, int pid) {
    spec_.background.push_back(
        {comm, "/file" + std::to_string(file_id), pid, file_id, file_size, read.count(), write.count(), true});
    return *this;
  }
  HostBuilder& add_node(Pages managed, bool plain) {
    shapes_.push_back({managed, plain, 1, {}, {}, {}, {}});
    return *this;
  }
  Shape& last() { return shapes_.back(); }

  static void make_plain(host::NodeSpec& node, Pages managed) {
    host::ZoneSpec zone;
    zone.kind = host::ZoneKind::kDma32;
    zone.managed = zone.present = zone.free = managed;
    node.zones = {zone};
  }
  static void fill(host::NodeSpec& node, const Shape& shape) {
    host::ZoneSpec& zone = node.zones.back();
    zone.lru.inactive_file = shape.inactive_file;
    zone.lru.active_file = shape.active_file;
    zone.free -= shape.inactive_file + shape.active_file + shape.kernel + shape.slab;
    node.slab_reclaimable = shape.slab;
    node.file_pages = shape.inactive_file + shape.active_file;
  }

  host::HostSpec spec_;
  std::vector<Shape> shapes_;
};

}  // namespace oomcast::support
