// Applies words to a host and to the options that mirror the target. See changed_target.h.
#include "report/changed_target.h"

#include <utility>

#include "model/spec/read_host.h"
#include "report/target.h"
#include "report/target_options.h"

namespace oomcast::report {
namespace {

/// "oom-score-adj" is an option of the program's place on the target, "vm.swappiness" a field of the host.
bool is_option(const std::string& key) {
  return key.starts_with("--") || (key.find('.') == std::string::npos && key.find('-') != std::string::npos);
}

Result<void> apply(const std::string& word, host::HostSpec& host, RunOptions& options) {
  const std::string key = word.substr(0, word.find('='));
  if (!is_option(key)) return host::set_field(host, word);
  const std::string option = word.starts_with("--") ? word : "--" + word;
  if (option.starts_with("--membind=") || option.starts_with("--interleave=") || option.starts_with("--preferred="))
    options.membind = options.interleave = options.preferred = "";
  return apply_target_words({option}, options);
}

}  // namespace

Result<ChangedTarget> changed_target(host::HostSpec host, RunOptions options, const std::vector<std::string>& words) {
  const int adj_before = options.model.oom_score_adj;
  for (const std::string& word : words)
    if (auto applied = apply(word, host, options); !applied) return applied.error();
  options.set.clear();
  options.cgroup.clear();
  options.tmpfs.clear();
  options.limits_from.clear();
  options.limits.clear();
  options.own_tmpfs.reset();
  auto changed = with_changes(std::move(host), options);
  if (!changed) return changed.error();
  ChangedTarget target{std::move(changed).value(), {}};
  target.settings.model = model_options(options, target.host);
  if (options.model.oom_score_adj != adj_before) target.settings.oom_score_adj = options.model.oom_score_adj;
  return target;
}

}  // namespace oomcast::report
