// Names of the host's settings. One table serves the snapshot reader, the JSON reader and writer, and --set.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// One integer of VmTunables, with the range that is accepted: the kernel's, or a sane one where the kernel has none.
struct VmField {
  const char* name;  // key in JSON and --set
  const char* path;  // file of a snapshot, without the leading slash
  std::variant<int VmTunables::*, int64_t VmTunables::*> member;
  int64_t min, max;
  bool rarely_changed = false;  // a default that is taken for it is not listed as assumed

  int64_t get(const VmTunables& vm) const;
  void set(VmTunables& vm, int64_t value) const;
};
const std::vector<VmField>& vm_fields();

/// The zone of that kernel name ("DMA32"); nothing if unknown. The pairs below do the same for enumerations.
std::optional<ZoneKind> zone_kind(std::string_view name);

const char* thp_mode_name(ThpMode mode);
std::optional<ThpMode> thp_mode(std::string_view name);
const char* thp_defrag_name(ThpDefrag defrag);
std::optional<ThpDefrag> thp_defrag(std::string_view name);
const char* memory_qos_name(MemoryQos qos);
std::optional<MemoryQos> memory_qos(std::string_view name);
const char* lru_name(LruKind lru);
std::optional<LruKind> lru_kind(std::string_view name);

/// "6.1.0-56-cloud-amd64" -> 6.1. Nothing if the text does not begin with two numbers.
std::optional<KernelVersion> kernel_version(std::string_view release);

}  // namespace oomcast::host
