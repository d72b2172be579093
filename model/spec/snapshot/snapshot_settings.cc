// Reads the kernel's settings: proc/sys/vm and similar files, transparent_hugepage, lru_gen.
#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

// "always defer defer+madvise [madvise] never" -> "madvise"
std::optional<std::string_view> bracketed(std::string_view text) {
  const size_t open = text.find('['), close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  return text.substr(open + 1, close - open - 1);
}

void read_lowmem_ratio(SnapshotReader& reader) {
  const std::string path = "proc/sys/vm/lowmem_reserve_ratio";
  const std::string* text = reader.text(path);
  if (!text) return reader.assume("vm.lowmem_reserve_ratio", "256 256 32 0", "no " + path);
  const std::vector<std::string_view> word = words(trim(*text));
  // Kernels with ZONE_DEVICE print a fifth number; no request uses it.
  if (word.size() < 4) return reader.fail(path, 1, "expected at least four numbers, got " + quote(trim(*text)));
  for (size_t i = 0; i < 4; ++i) {
    const auto ratio = parse_integer(word[i], 0, 1 << 30);
    if (!ratio) return reader.fail(path, 1, "ratio " + quote(word[i]) + " is not a number from 0 to 1073741824");
    reader.spec.vm.lowmem_reserve_ratio[i] = static_cast<int>(*ratio);
  }
}

void read_thp(SnapshotReader& reader) {
  VmTunables& vm = reader.spec.vm;
  const std::string base = "sys/kernel/mm/transparent_hugepage/";
  if (const std::string* text = reader.text(base + "enabled")) {
    const auto word = bracketed(*text);
    const auto mode = word ? thp_mode(*word) : std::nullopt;
    if (!mode)
      return reader.fail(base + "enabled", 1,
                         quote(trim(*text)) + ", expected one of always, madvise, never in brackets");
    vm.thp_enabled = *mode;
  } else {
    reader.assume("vm.thp_enabled", thp_mode_name(vm.thp_enabled), "no " + base + "enabled");
  }
  if (const std::string* text = reader.text(base + "defrag")) {
    const auto word = bracketed(*text);
    const auto defrag = word ? thp_defrag(*word) : std::nullopt;
    if (!defrag) {
      return reader.fail(
          base + "defrag", 1,
          quote(trim(*text)) + ", expected one of always, defer, defer+madvise, madvise, never in brackets");
    }
    vm.thp_defrag = *defrag;
  } else {
    reader.assume("vm.thp_defrag", thp_defrag_name(vm.thp_defrag), "no " + base + "defrag");
  }
}

void read_lru(SnapshotReader& reader) {
  const std::string path = "sys/kernel/mm/lru_gen/enabled";
  HostSpec& spec = reader.spec;
  const std::string* text = reader.text(path);
  if (!text) {
    // Other files of sys/kernel/mm, but not this one: the kernel was built without CONFIG_LRU_GEN.
    if (reader.text("sys/kernel/mm/transparent_hugepage/enabled")) return;
    spec.lru = default_lru(spec.kernel);
    return reader.assume("lru", lru_name(spec.lru), "no " + path + "; Debian's default for this kernel");
  }
  std::string_view word = trim(*text);
  const bool hex = word.starts_with("0x");
  int mask = -1;
  // "0x0007": bit 0 switches the multi-gen LRU on, the others choose how accessed bits are collected. Older kernels
  // print y or n.
  if (hex && word.size() == 6) {
    mask = 0;
    for (char c : word.substr(2)) {
      const size_t digit = std::string_view("0123456789abcdef").find(c);
      mask = digit == std::string_view::npos || mask < 0 ? -1 : mask * 16 + static_cast<int>(digit);
    }
  }
  if (word == "y" || word == "Y") mask = 7;
  if (word == "n" || word == "N") mask = 0;
  if (mask < 0) return reader.fail(path, 1, quote(word) + ", expected a mask such as 0x0007");
  spec.lru = (mask & 1) ? LruKind::kMultiGen : LruKind::kClassic;
  spec.lru_gen_mm_walk = (mask & 1) == 0 || (mask & 2) != 0;
}

}  // namespace

void read_settings(SnapshotReader& reader) {
  HostSpec& spec = reader.spec;
  default_settings(spec);
  for (const VmField& field : vm_fields()) {
    const auto value = reader.number_file(field.path, field.min, field.max);
    if (value) field.set(spec.vm, *value);
    if (reader.text(field.path)) {
      reader.places.emplace(std::string("vm.") + field.name, reader.place(field.path, 1));
    } else if (std::string_view(field.name) == "min_free_kbytes") {
      // The marks in zoneinfo were computed from min_free_kbytes: it is the sum of the min marks, except for rounding.
      int64_t min_pages = 0;
      for (const NodeSpec& node : spec.nodes) {
        for (const ZoneSpec& zone : node.zones) min_pages += zone.watermarks.min.count();
      }
      spec.vm.min_free_kbytes = min_pages * 4;
      reader.assume("vm.min_free_kbytes", std::to_string(min_pages * 4),
                    std::string("no ") + field.path + "; sum of the min watermarks");
    } else if (!field.rarely_changed) {
      reader.assume(std::string("vm.") + field.name, std::to_string(field.get(spec.vm)),
                    std::string("no ") + field.path);
    }
  }
  read_lowmem_ratio(reader);
  read_thp(reader);
  read_lru(reader);
}

}  // namespace oomcast::host
