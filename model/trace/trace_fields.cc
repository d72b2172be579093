// Reads and writes a trace's header and summary. See trace_fields.h.
#include "model/trace/trace_fields.h"

#include <map>

#include "model/trace/varint.h"

namespace oomcast::trace {
namespace {

using Texts = std::vector<std::string>;

/// field ::= name count text*. Numbers are decimal text.
class FieldWriter {
 public:
  void texts(const char* name, const Texts& texts) {
    put_string(out_, name);
    put_varint(out_, texts.size());
    for (const std::string& text : texts) put_string(out_, text);
  }
  void text(const char* name, const std::string& text) { texts(name, {text}); }
  template <class T>
  void number(const char* name, T value) {
    text(name, std::to_string(value));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class FieldReader {
 public:
  bool open(std::string_view raw) {
    ByteCursor cursor(raw);
    while (!cursor.at_end()) {
      std::string_view name, text;
      uint64_t count = 0;
      if (!cursor.string(name) || !cursor.varint(count) || count > cursor.left()) return false;
      Texts texts;
      for (uint64_t i = 0; i < count; ++i) {
        if (!cursor.string(text)) return false;
        texts.emplace_back(text);
      }
      fields_[std::string(name)].push_back(std::move(texts));
    }
    return true;
  }
  void all(const char* name, std::vector<Texts>& value) const {
    if (const auto at = fields_.find(name); at != fields_.end()) value = at->second;
  }
  void texts(const char* name, Texts& value) const {
    if (const auto at = fields_.find(name); at != fields_.end()) value = at->second.front();
  }
  void text(const char* name, std::string& value) const {
    Texts found;
    texts(name, found);
    if (!found.empty()) value = found.front();
  }
  template <class T>
  void number(const char* name, T& value) const {
    std::string digits;
    text(name, digits);
    if (digits.empty()) return;
    const bool negative = digits.front() == '-';
    uint64_t sum = 0;
    for (const char c : std::string_view(digits).substr(negative ? 1 : 0)) {
      if (c < '0' || c > '9') return;
      sum = sum * 10 + static_cast<uint64_t>(c - '0');
    }
    value = static_cast<T>(negative ? 0 - sum : sum);
  }

 private:
  std::map<std::string, std::vector<Texts>> fields_;
};

}  // namespace

std::string encode_header(const TraceHeader& header) {
  FieldWriter out;
  out.text("program_version", header.program_version);
  out.texts("command", header.command);
  out.text("host_json", header.host_json);
  out.text("recorded_for", header.recorded_for);
  out.texts("target_options", header.target_options);
  out.number("recorder_cpu_loop_20m_ns", header.recorder_cpu_loop_20m_ns);
  return out.take();
}

bool decode_header(std::string_view raw, TraceHeader& header) {
  FieldReader in;
  if (!in.open(raw)) return false;
  in.text("program_version", header.program_version);
  in.texts("command", header.command);
  in.text("host_json", header.host_json);
  in.text("recorded_for", header.recorded_for);
  in.texts("target_options", header.target_options);
  in.number("recorder_cpu_loop_20m_ns", header.recorder_cpu_loop_20m_ns);
  return true;
}

std::string encode_summary(const CaptureSummary& summary) {
  // Every field is named, so that a new field that is not written here does not compile. A replay finds out itself
  // whether it is cut or extrapolated, and what its services are.
  [[maybe_unused]] const auto& [command, exited, exit_code, exit_signal, tracker, resolution_pages, resolution_ns,
                                lost_events, tracked_peak_bytes, prefilled_bytes, rss_peak_bytes, events, order_forced,
                                caveats, host_sensitive, presented_host, cut, stopped, still_running, presented_cgroup,
                                attached_bytes, attached_processes, detached, extrapolated, site_kinds, stacks,
                                services] = summary;
  FieldWriter out;
  out.texts("command", command);
  out.number("exited", exited ? 1 : 0);
  out.number("exit_code", exit_code);
  out.number("exit_signal", exit_signal);
  out.text("tracker", tracker);
  out.number("resolution_pages", resolution_pages);
  out.number("resolution_ns", resolution_ns);
  out.number("lost_events", lost_events);
  out.number("tracked_peak_bytes", tracked_peak_bytes);
  if (prefilled_bytes != 0) out.number("prefilled_bytes", prefilled_bytes);
  out.number("rss_peak_bytes", rss_peak_bytes);
  out.number("events", events);
  out.number("order_forced", order_forced);
  out.texts("caveats", caveats);
  out.texts("host_sensitive", host_sensitive);
  out.text("presented_host", presented_host);
  if (!stopped.empty()) out.text("stopped", stopped);
  if (!still_running.empty()) out.texts("still_running", still_running);
  out.text("presented_cgroup", presented_cgroup);
  if (attached_processes != 0) {
    out.number("attached_bytes", attached_bytes);
    out.number("attached_processes", attached_processes);
    out.number("detached", detached ? 1 : 0);
  }
  out.texts("site_kinds", site_kinds);
  for (const Texts& stack : stacks) out.texts("stack", stack);
  return out.take();
}

bool decode_summary(std::string_view raw, CaptureSummary& summary) {
  FieldReader in;
  if (!in.open(raw)) return false;
  in.texts("command", summary.command);
  in.number("exited", summary.exited);
  in.number("exit_code", summary.exit_code);
  in.number("exit_signal", summary.exit_signal);
  in.text("tracker", summary.tracker);
  in.number("resolution_pages", summary.resolution_pages);
  in.number("resolution_ns", summary.resolution_ns);
  in.number("lost_events", summary.lost_events);
  in.number("tracked_peak_bytes", summary.tracked_peak_bytes);
  in.number("prefilled_bytes", summary.prefilled_bytes);
  in.number("rss_peak_bytes", summary.rss_peak_bytes);
  in.number("events", summary.events);
  in.number("order_forced", summary.order_forced);
  in.texts("caveats", summary.caveats);
  in.texts("host_sensitive", summary.host_sensitive);
  in.text("presented_host", summary.presented_host);
  in.text("stopped", summary.stopped);
  in.texts("still_running", summary.still_running);
  in.text("presented_cgroup", summary.presented_cgroup);
  in.number("attached_bytes", summary.attached_bytes);
  in.number("attached_processes", summary.attached_processes);
  in.number("detached", summary.detached);
  in.texts("site_kinds", summary.site_kinds);
  in.all("stack", summary.stacks);
  return true;
}

}  // namespace oomcast::trace
