// Reads page_cache[] and background[] of a JSON host: cached files, and processes that read or write files during the
// run.
#include <algorithm>

#include "model/spec/json/json_object.h"
#include "model/spec/parse_text.h"

namespace oomcast::host {

using nlohmann::ordered_json;

namespace {
constexpr int64_t kRateMax = int64_t{1} << 40;  // 1 TiB per second
}

void read_page_cache(JsonObject& object, HostSpec& spec) {
  const auto files = object.elements("page_cache");
  for (size_t i = 0; i < files.size(); ++i) {
    JsonObject entry(object.file(), *files[i], "page_cache[" + std::to_string(i) + "]");
    CachedFileSpec file;
    if (!entry.text("file", file.file))
      entry.fail("file", "missing; the path of the file, for example \"file\": \"/srv/db/table\"");
    entry.integer("file_id", file.file_id, 0, INT64_MAX);
    entry.bytes("bytes", file.bytes);
    entry.bytes("dirty_bytes", file.dirty);
    entry.integer("active_percent", file.active_percent, 0, 100);
    if (file.dirty > file.bytes) entry.fail("dirty_bytes", "more than bytes, of which they are a part");
    entry.done();
    spec.page_cache.push_back(std::move(file));
  }
}

void read_background(JsonObject& object, HostSpec& spec) {
  const auto actors = object.elements("background");
  for (size_t i = 0; i < actors.size(); ++i) {
    JsonObject entry(object.file(), *actors[i], "background[" + std::to_string(i) + "]");
    BackgroundSpec actor;
    entry.text("comm", actor.comm);
    entry.integer("pid", actor.pid, 0, 4'194'304);
    if (!entry.text("file", actor.file)) entry.fail("file", "missing; the path of the file that it reads or writes");
    entry.integer("file_id", actor.file_id, 0, INT64_MAX);
    if (!entry.bytes("file_bytes", actor.file_size))
      entry.fail("file_bytes", "missing; the size of the file, for example \"10G\"");
    Bytes read, write;
    entry.bytes("read_bytes_s", read);
    entry.bytes("write_bytes_s", write);
    entry.flag("sequential", actor.sequential);
    actor.read_bytes_s = std::min(read.count(), kRateMax);
    actor.write_bytes_s = std::min(write.count(), kRateMax);
    entry.done();
    const auto process = std::find_if(spec.processes.begin(), spec.processes.end(),
                                      [&](const ProcessSpec& each) { return each.pid == actor.pid; });
    if (actor.pid != 0 && process == spec.processes.end())
      entry.fail("pid", "no process of that pid stands in processes[]");
    if (actor.comm.empty() && process != spec.processes.end()) actor.comm = process->comm;
    spec.background.push_back(std::move(actor));
  }
}

}  // namespace oomcast::host
