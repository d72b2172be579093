// Reads zswap's settings from sys/module/zswap/parameters, and the fill of its pool from debugfs or proc/meminfo.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/meminfo.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kTellsFromPages = 256;  // with fewer pages the ratio means little
const std::string kParameters = "sys/module/zswap/parameters/", kDebug = "sys/kernel/debug/zswap/";

void flag(SnapshotReader& reader, const char* name, bool& target) {
  const std::string* text = reader.text(kParameters + name);
  if (!text) return;
  const std::string_view word = trim(*text);
  if (word != "Y" && word != "N") return reader.fail(kParameters + name, 1, "expected Y or N, got " + quote(word));
  target = word == "Y";
}

void percent(SnapshotReader& reader, const char* name, int& target) {
  if (const auto value = reader.number_file(kParameters + name, 0, 100)) target = static_cast<int>(*value);
}

void read_zpool(SnapshotReader& reader) {
  ZswapSpec& zswap = reader.spec.zswap;
  zswap.zpool = default_zpool(reader.spec.kernel);
  const std::string path = kParameters + "zpool";
  const std::string* text = reader.text(path);
  if (!text) return reader.assume("zswap.zpool", zpool_name(zswap.zpool), "no " + path);
  const auto known = zpool_of(trim(*text));
  if (!known) return reader.fail(path, 1, quote(trim(*text)) + ", expected zbud, z3fold or zsmalloc");
  zswap.zpool = *known;
}

// What the pool holds. debugfs knows more than meminfo, but only root can read it.
struct Held {
  int64_t pool_bytes = 0, pages = 0, same_filled = 0;
};

Held read_held(SnapshotReader& reader) {
  const std::string* meminfo = reader.text("proc/meminfo");
  Held held;
  held.pool_bytes = reader.number_file(kDebug + "pool_total_size", 0, int64_t{1} << 50)
                        .value_or(meminfo_kilobytes(meminfo, "Zswap:").value_or(0) * 1024);
  held.pages = reader.number_file(kDebug + "stored_pages", 0, int64_t{1} << 40)
                   .value_or(meminfo_kilobytes(meminfo, "Zswapped:").value_or(0) / 4);
  held.same_filled = reader.number_file(kDebug + "same_filled_pages", 0, held.pages).value_or(0);
  return held;
}

}  // namespace

void read_zswap(SnapshotReader& reader) {
  ZswapSpec& zswap = reader.spec.zswap;
  flag(reader, "enabled", zswap.enabled);
  if (!zswap.enabled) return;
  percent(reader, "max_pool_percent", zswap.max_pool_percent);
  percent(reader, "accept_threshold_percent", zswap.accept_threshold_percent);
  flag(reader, "shrinker_enabled", zswap.shrinker_enabled);
  flag(reader, "same_filled_pages_enabled", zswap.same_filled);
  read_zpool(reader);
  if (const std::string* text = reader.text(kParameters + "compressor")) zswap.compressor = trim(*text);
  const Held held = read_held(reader);
  zswap.pool = to_pages(Bytes(held.pool_bytes));
  const int64_t compressed = held.pages - held.same_filled;
  // A page of zbud or z3fold holds at most two or three, however well these compress: the ratio is not known.
  const bool stored_known = zswap.zpool == Zpool::kZsmalloc && compressed >= kTellsFromPages;
  if (stored_known)
    zswap.stored_percent = static_cast<int>(std::clamp<int64_t>(zswap.pool.count() * 100 / compressed, 1, 100));
  if (held.pages >= kTellsFromPages) zswap.same_filled_percent = static_cast<int>(held.same_filled * 100 / held.pages);
  assume_zswap(reader.spec, stored_known, "the pool does not tell how well pages compress");
}

}  // namespace oomcast::host
