// Names the host's settings. One table serves the snapshot reader, the JSON reader and writer, and --set.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// One integer of VmTunables, with the range in which the kernel (or sense) accepts it.
struct VmField {
  const char* name;  // key in JSON and --set
  const char* path;  // file of a snapshot
  std::variant<int VmTunables::*, int64_t VmTunables::*> member;
  int64_t min, max;
  bool rarely_changed = false;  // where a host does not say, the default is no assumption worth telling

  int64_t get(const VmTunables& vm) const;
  void set(VmTunables& vm, int64_t value) const;
};
const std::vector<VmField>& vm_fields();

/// zone_reserve columns and lists by their kernel names.
std::optional<ZoneKind> zone_kind(std::string_view name);

const char* thp_mode_name(ThpMode mode);
std::optional<ThpMode> thp_mode(std::string_view name);
const char* thp_defrag_name(ThpDefrag defrag);
std::optional<ThpDefrag> thp_defrag(std::string_view name);
const char* memory_qos_name(MemoryQos qos);
std::optional<MemoryQos> memory_qos(std::string_view name);
const char* lru_name(LruKind lru);
std::optional<LruKind> lru_kind(std::string_view name);

/// "6.1.0-56-cloud-amd64" -> 6.1.
std::optional<KernelVersion> kernel_version(std::string_view release);

}  // namespace oomcast::host
