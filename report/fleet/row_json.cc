// A row of a sweep as JSON. See row_json.h.
#include "report/fleet/row_json.h"

#include <type_traits>
#include <utility>

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

/// JSON cannot hold text that is not UTF-8 (an odd file name): such text becomes a list of its bytes.
Json text_json(const std::string& text) {
  Json json = text;
  try {
    (void)json.dump();
    return json;
  } catch (const Json::type_error&) {
    Json bytes = Json::array();
    for (const char c : text) bytes.push_back(static_cast<uint8_t>(c));
    return bytes;
  }
}

/// Writer and Reader visit the fields of a row by the same walk(), so that they agree.
class Writer {
 public:
  void field(const char* key, const std::string& text) { json_[key] = text_json(text); }
  void field(const char* key, const bool& value) { json_[key] = value; }
  void field(const char* key, const int64_t& value) { json_[key] = value; }
  template <class Tag>
  void field(const char* key, const Quantity<Tag>& value) {
    json_[key] = value.count();
  }
  void field(const char* key, const std::optional<std::string>& text) { json_[key] = text ? text_json(*text) : Json(); }
  void field(const char* key, const std::optional<sim::Verdict>& verdict) {
    json_[key] = verdict ? Json(sim::verdict_name(*verdict)) : Json();
  }
  void field(const char* key, const std::optional<Beginning>& beginning) {
    json_[key] = beginning ? Json{beginning->t.count(), beginning->app_footprint.count()} : Json();
  }
  void field(const char* key, const std::vector<std::string>& texts) {
    json_[key] = Json::array();
    for (const std::string& text : texts) json_[key].push_back(text_json(text));
  }
  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  void field(const char* key, std::string& text) { read_text(at(key), text); }
  void field(const char* key, bool& value) {
    const Json& json = at(key);
    if (need(json.is_boolean())) value = json.get<bool>();
  }
  void field(const char* key, int64_t& value) { read_number(at(key), value); }
  template <class Tag>
  void field(const char* key, Quantity<Tag>& value) {
    int64_t count = 0;
    read_number(at(key), count);
    value = Quantity<Tag>(count);
  }
  void field(const char* key, std::optional<std::string>& text) {
    if (const Json& json = at(key); !json.is_null()) read_text(json, text.emplace());
  }
  void field(const char* key, std::optional<sim::Verdict>& verdict) {
    const Json& json = at(key);
    if (json.is_null()) return;
    if (need(json.is_string())) verdict = sim::verdict_named(json.get<std::string>());
    need(verdict.has_value());
  }
  void field(const char* key, std::optional<Beginning>& beginning) {
    const Json& json = at(key);
    if (json.is_null() || !need(json.is_array() && json.size() == 2)) return;
    int64_t t = 0, footprint = 0;
    read_number(json[0], t);
    read_number(json[1], footprint);
    beginning = Beginning{Nanoseconds(t), Bytes(footprint)};
  }
  void field(const char* key, std::vector<std::string>& texts) {
    const Json& json = at(key);
    if (!need(json.is_array())) return;
    for (const Json& text : json) read_text(text, texts.emplace_back());
  }
  bool ok() const { return ok_; }

 private:
  bool need(bool condition) {
    ok_ &= condition;
    return condition;
  }
  const Json& at(const char* key) {
    static const Json kNone = Json::value_t::discarded;
    if (!json_.is_object()) return ok_ = false, kNone;
    const auto found = json_.find(key);
    if (found == json_.end()) return ok_ = false, kNone;
    return *found;
  }
  void read_number(const Json& json, int64_t& value) {
    const bool fits = json.is_number_integer() &&
                      (!json.is_number_unsigned() || json.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
    if (need(fits)) value = json.get<int64_t>();
  }
  void read_text(const Json& json, std::string& text) {
    if (json.is_string()) {
      text = json.get<std::string>();
      return;
    }
    if (!need(json.is_array())) return;
    for (const Json& byte : json) {
      int64_t value = 0;
      read_number(byte, value);
      need(value >= 0 && value < 256);
      text += static_cast<char>(value);
    }
  }

  const Json& json_;
  bool ok_ = true;
};

template <class Walker, class Row>
void walk(Walker& walker, Row& row) {
  walker.field("values", row.values);
  walker.field("error", row.error);
  walker.field("verdict", row.verdict);
  walker.field("unrecorded_uses", row.unrecorded_uses);
  walker.field("other_limits", row.other_limits);
  walker.field("incomplete", row.incomplete);
  walker.field("why", row.why);
  auto& figures = row.figures;
  walker.field("forecast_ns", figures.forecast);
  walker.field("footprint_peak_bytes", figures.footprint_peak);
  walker.field("kswapd_wake", figures.kswapd_wake);
  walker.field("direct_reclaim", figures.direct_reclaim);
  walker.field("swap_out", figures.swap_out);
  walker.field("alloc_refused", figures.alloc_refused);
  walker.field("oom_kill", figures.oom_kill);
  walker.field("victim", figures.victim);
  walker.field("direct_reclaim_ns_total", figures.stall.direct_reclaim_total);
  walker.field("swap_in_ns_total", figures.stall.swap_in_total);
  walker.field("throttled_ns_total", figures.stall.throttled_total);
  walker.field("longest_ns", figures.stall.longest);
  walker.field("memory_high_ns_total", figures.stall.memory_high_total);
  walker.field("stall_ns_total", figures.stall.total);
  walker.field("memory_high_dry_ns_total", figures.stall.memory_high_dry_total);
  walker.field("pswpin", figures.pswpin);
  walker.field("pswpout", figures.pswpout);
  walker.field("evictions", figures.evictions);
}

}  // namespace

Json row_json(const SweepRow& row) {
  Writer writer;
  walk(writer, row);
  return writer.take();
}

std::optional<SweepRow> row_from(const Json& json) {
  Reader reader(json);
  SweepRow row;
  walk(reader, row);
  if (!reader.ok()) return std::nullopt;
  return row;
}

}  // namespace oomcast::report
