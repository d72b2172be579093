// The `oomcast` command: asks the recorder for events, the model for an outcome, and writes the report.
//
// The only file that knows both the model and the recorder.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "model/host/read_host.h"
#include "model/host/read_snapshot.h"
#include "model/sim/simulation.h"
#include "model/trace/trace_writer.h"
#include "preload/record/recorder.h"
#include "report/command_line.h"
#include "report/conclude.h"
#include "report/console.h"
#include "report/fit/fit.h"
#include "report/format.h"
#include "report/host_command.h"
#include "report/json_report.h"
#include "report/page/page_command.h"
#include "report/present_host.h"
#include "report/proof/kept_trace.h"
#include "report/proof/prove.h"
#include "report/replay.h"
#include "report/report_file.h"
#include "report/show/show_command.h"
#include "report/sweep.h"
#include "report/target.h"
#include "report/terminal/run_progress.h"
#include "report/terminal/search_progress.h"
#include "report/trace_file.h"

namespace oomcast::report {
namespace {

constexpr const char* kThisHost = "this";

void start_log(const std::string& level) {
  auto log = spdlog::stderr_color_mt("oomcast");
  log->set_pattern("oomcast: %^%l%$: %v");
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(log);
}

/// A directory that is gone when its owner is.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base && *base ? base : "/tmp") + "/oomcast.XXXXXX";
    if (!::mkdtemp(path_.data())) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  /// For programs that go on as another user.
  void let_everybody_read() const { ::chmod(path_.c_str(), 0755); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Never by way of the disk: each start of a program waits for this, and a hundred small files take longer than all the
/// rest.
Result<host::HostSpec> read_this_host() {
  return host::parse_snapshot({kThisHost, kThisHost, record::files_of_this_machine()});
}

Result<host::HostSpec> read_host(const std::string& name) {
  return name == kThisHost ? read_this_host() : host::read_host(name);
}

/// Events call a file by its device and inode here: what the host names by its path has to have the same number.
void number_files(host::HostSpec& spec) {
  const auto number = [](const std::string& path, int64_t& id) {
    if (id == 0) id = static_cast<int64_t>(record::file_number(path));
  };
  for (host::CachedFileSpec& file : spec.page_cache) number(file.file, file.file_id);
  for (host::BackgroundSpec& actor : spec.background) number(actor.file, actor.file_id);
}

Result<host::HostSpec> target_host(const RunOptions& options) {
  auto spec = read_host(options.host);
  if (!spec) return spec;
  auto changed = with_changes(std::move(spec).value(), options);
  if (changed) number_files(changed.value());
  return changed;
}

record::RecordOptions recorder_options(const RunOptions& options) {
  record::RecordOptions recorder;
  recorder.command = options.command;
  recorder.wait_for_all = options.wait_for_all;
  recorder.follow_children = options.follow_children;
  recorder.stack_sample_bytes = options.stack_sample_bytes;
  recorder.tracker = options.tracker;
  // A trace is for other hosts too, which may be near where this one is far; a refusal has to be known at once.
  recorder.poll_while_far = options.tracker.empty() && options.trace.empty() && !options.refuse_enomem;
  recorder.guard_percent = options.guard_percent;
  recorder.kill_on_oom = options.kill_on_oom;
  recorder.refuse_enomem = options.refuse_enomem;
  recorder.use_mimalloc = options.use_mimalloc;
  recorder.root_oom_score_adj = options.oom_score_adj;
  return recorder;
}

int preflight_status(record::PreflightProblem problem) {
  return problem == record::PreflightProblem::kNotFound ? kExitNotFound : kExitNotExecutable;
}

int program_status(const trace::CaptureSummary& capture) {
  return capture.exited ? capture.exit_code : 128 + capture.exit_signal;
}

/// Wall-clock time since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// The model, and what listens beside it: a trace, a second host.
class Listeners {
 public:
  /// Reads hosts and opens the trace: what can fail does so before the program starts.
  static Result<std::unique_ptr<Listeners>> prepare(const RunOptions& options) {
    auto host = target_host(options);
    if (!host) return host.error();
    auto listeners = std::unique_ptr<Listeners>(new Listeners);
    sim::Options model = model_options(options, host.value());
    model.recorder_cpu_loop_20m_ns = record::measure_cpu_loop_20m_ns();
    if (auto presented = listeners->present(options, host.value()); !presented) return presented.error();
    if (auto opened = listeners->open_trace(options, host.value(), model); !opened) return opened.error();
    listeners->host_ = host.value();
    listeners->model_options_ = model;
    listeners->model_ = std::make_unique<sim::Simulation>(std::move(host).value(), model);
    listeners->sink_ =
        std::make_unique<trace::RecordingSink>(*listeners->model_, listeners->writer_.get(), listeners->also_.get());
    return listeners;
  }
  /// What the proofs need. REQUIRES: finish() was called; valid while this object lives.
  Result<Recorded> recorded(const RunOptions& options) {
    if (!kept_) return Error{"--prove 0"};
    auto bytes = kept_->view();
    if (!bytes) return bytes.error();
    return Recorded{bytes.value(), "the recording", host_, options, {model_options_, std::nullopt, nullptr}, true};
  }
  /// Without a trace nothing stands between recorder and model.
  trace::EventSink& sink() { return writer_ ? static_cast<trace::EventSink&>(*sink_) : *model_; }
  const sim::Simulation& model() const { return *model_; }
  const std::string& host_name() const { return host_.name; }
  const std::vector<std::string>& guest_environment() const { return guest_environment_; }
  sim::Outcome finish(const RunOptions& options, trace::CaptureSummary& capture) {
    capture.presented_host = presented_host_;
    capture.presented_cgroup = presented_cgroup_;
    if (options.use_mimalloc)
      capture.caveats.emplace_back("The program allocated with mimalloc instead of its own allocator (--allocator).");
    if (writer_) writer_->finish(capture);
    if (file_ && !file_->error().empty()) {
      std::fprintf(stderr, "oomcast: %s\n", file_->error().c_str());
      capture.caveats.push_back(file_->error());
    }
    sim::Outcome outcome = model_->finish();
    // The proofs need the room.
    sink_.reset();
    model_.reset();
    also_.reset();
    return outcome;
  }

 private:
  Listeners() = default;
  Result<void> present(const RunOptions& options, const host::HostSpec& host) {
    const bool only_cgroup = !options.present_host && options.present_cgroup && !options.cgroup.empty();
    if (!options.present_host && !only_cgroup) return {};
    presented_ = std::make_unique<TemporaryDirectory>();
    if (presented_->path().empty())
      return Error{"--present-host: no temporary directory; set TMPDIR to a writable one"};
    presented_->let_everybody_read();
    presented_cgroup_ = cgroup_limits_text(host);
    if (only_cgroup) {
      guest_environment_.push_back(presented_cgroup_environment(presented_->path()));
      return write_presented_files(host, presented_->path());
    }
    presented_host_ = host.name;
    guest_environment_.push_back(presented_environment(host, options.cpu_node, presented_->path()));
    return write_presented_files(host, presented_->path());
  }
  Result<void> open_trace(const RunOptions& options, const host::HostSpec& host, const sim::Options& model) {
    if (options.prove_s != 0.0) kept_ = std::make_unique<KeptTrace>();
    if (options.trace.empty() && !kept_) return {};
    trace::TraceHeader header;
    header.program_version = OOMCAST_VERSION;
    header.command = options.command;
    header.host_json = host::to_json(host);
    header.target_options = options.target_words;
    header.recorder_cpu_loop_20m_ns = model.recorder_cpu_loop_20m_ns;
    if (!options.record_for.empty()) {
      auto second = read_host(options.record_for);
      if (!second) return Error{"--record-for: " + second.error().message};
      header.recorded_for = second->name;
      also_ = std::make_unique<sim::Simulation>(std::move(second).value(), model);
    }
    if (!options.trace.empty()) {
      auto file = TraceFile::create(options.trace);
      if (!file) return file.error();
      file_ = std::make_unique<TraceFile>(std::move(file).value());
    }
    writer_ = std::make_unique<trace::TraceWriter>([this](std::string_view block) { return keep(block); }, header);
    return {};
  }
  /// False once nobody takes blocks any more.
  bool keep(std::string_view block) {
    const bool kept = kept_ && kept_->append(block);
    const bool filed = file_ && file_->error().empty() && file_->append(block);
    return kept || filed;
  }

  std::unique_ptr<TemporaryDirectory> presented_;
  std::string presented_host_, presented_cgroup_;
  std::vector<std::string> guest_environment_;
  std::unique_ptr<TraceFile> file_;
  std::unique_ptr<KeptTrace> kept_;
  host::HostSpec host_;
  sim::Options model_options_;
  std::unique_ptr<trace::TraceWriter> writer_;
  std::unique_ptr<sim::Simulation> model_, also_;
  std::unique_ptr<trace::RecordingSink> sink_;
};

/// What can fail is tried before the program starts, the cheap things first.
int run(const RunOptions& options) {
  record::protect_report();
  auto recorder = recorder_options(options);
  if (auto preflight = record::check_command(recorder); !preflight.ok())
    return fail(preflight_status(*preflight.problem), "run: " + preflight.message);
  auto places = Places::prepare(options);
  if (!places) return fail(kExitUsage, places.error().message);
  auto listeners = Listeners::prepare(options);
  if (!listeners) return fail(kExitUsage, listeners.error().message);
  recorder.environment = listeners.value()->guest_environment();
  record::be_killed_last();
  record::hold_signals_for_good();
  const Stopwatch own;
  RunProgress progress(status_line(progress_mode(options.progress), Beside::kProgram, options.quiet), listeners.value()->host_name());
  recorder.progress = [&](const record::Progress&) { progress.update(listeners.value()->model()); };
  auto capture = record::run(recorder, listeners.value()->sink());
  progress.end();
  if (!capture) return fail(kExitUsage, "run: " + capture.error().message);
  const double own_s = own.seconds();
  sim::Outcome outcome = listeners.value()->finish(options, capture.value());
  int status = conclude(options, places.value(), outcome, capture.value(), listeners.value()->recorded(options), own_s);
  return status != 0 ? status : program_status(capture.value());
}

const char* environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/// Under LD_PRELOAD alone our own stderr is /dev/null: the program's is where somebody looks.
int fail_attached(int hello_socket_fd, const std::string& message) {
  record::tell_program(hello_socket_fd, "oomcast: " + message + "\n");
  return fail(kExitUsage, message);
}

/// LD_PRELOAD=liboomcast.so PROGRAM: the library has started us and waits for an answer on the socket.
int record_attached(int hello_socket_fd) {
  record::protect_report();
  auto options = parse_options_text(environment("OOMCAST_OPTIONS", ""));
  if (!options) return fail_attached(hello_socket_fd, options.error().message);
  if (options->present_host || options->use_mimalloc)
    return fail_attached(
        hello_socket_fd,
        "OOMCAST_OPTIONS: --present-host and --allocator need 'oomcast run': the program runs already");
  start_log(options->log_level);
  options->present_cgroup = false;  // likewise
  options->host = environment("OOMCAST_HOST", options->host.c_str());
  options->report = environment("OOMCAST_REPORT", options->report.c_str());
  auto places = Places::prepare(options.value());
  if (!places) return fail_attached(hello_socket_fd, places.error().message);
  auto listeners = Listeners::prepare(options.value());
  if (!listeners) return fail_attached(hello_socket_fd, listeners.error().message);
  record::be_killed_last();
  record::hold_signals_for_good();
  const Stopwatch own;
  auto capture = record::attach(hello_socket_fd, recorder_options(options.value()), listeners.value()->sink());
  if (!capture) return fail_attached(hello_socket_fd, capture.error().message);
  const double own_s = own.seconds();
  sim::Outcome outcome = listeners.value()->finish(options.value(), capture.value());
  int status = conclude(options.value(), places.value(), outcome, capture.value(), listeners.value()->recorded(options.value()), own_s);
  return status != 0 ? status : program_status(capture.value());
}

/// A trace with what its recording said of the target: the defaults of what is asked now.
struct Recording {
  std::string bytes;
  RunOptions options;
  ReplaySettings settings;
  host::HostSpec host;
};

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given) {
  Recording recording;
  auto bytes = read_trace_file(replay.trace);
  if (!bytes) return bytes.error();
  recording.bytes = std::move(bytes).value();
  auto header = read_trace_header(recording.bytes, replay.trace);
  if (!header) return header.error();
  recording.options = given;
  if (auto set = apply_target_words(header->target_options, recording.options); !set)
    return Error{replay.trace + ": its own options: " + set.error().message};
  int recorded_adj = recording.options.oom_score_adj;
  if (auto set = apply_target_words(given.target_words, recording.options); !set) return set.error();
  if (recording.options.oom_score_adj != recorded_adj)
    recording.settings.oom_score_adj = recording.options.oom_score_adj;
  auto host = given.host == kRecordedHost ? recorded_host(header.value(), replay.trace) : read_host(given.host);
  if (!host) return host.error();
  auto changed = with_changes(std::move(host).value(), recording.options);
  if (!changed) return changed.error();
  recording.host = std::move(changed).value();
  number_files(recording.host);
  recording.settings.model = model_options(recording.options, recording.host);
  return recording;
}

int replay(const CommandLine& line) {
  record::protect_report();
  auto places = Places::prepare(line.run);
  if (!places) return fail(kExitUsage, places.error().message);
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "replay: " + recording.error().message);
  auto replayed = replay(recording->bytes, line.replay.trace, recording->host, recording->settings);
  if (!replayed) return fail(kExitUsage, "replay: " + replayed.error().message);
  const double forecast_s = json_seconds(replayed->outcome.forecast);
  const Recorded recorded{recording->bytes, line.replay.trace, recording->host, recording->options, recording->settings};
  return conclude(line.run, places.value(), replayed->outcome, replayed->capture, recorded, forecast_s);
}

int sweep(const CommandLine& line) {
  std::vector<Variation> variations;
  for (const std::string& text : line.replay.vary) {
    auto variation = parse_variation(text);
    if (!variation) return fail(kExitUsage, "sweep: " + variation.error().message);
    variations.push_back(std::move(variation).value());
  }
  auto page = PageFile::prepare(line.run.html, "");
  if (!page) return fail(kExitUsage, "sweep: " + page.error().message);
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "sweep: " + recording.error().message);
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto rows = sweep(recording->bytes, line.replay.trace, recording->host, recording->options, variations, line.replay.jobs,
                    [&](size_t done, size_t all) { progress.sweep(done, all); });
  progress.end();
  if (!rows) return fail(kExitUsage, "sweep: " + rows.error().message);
  const std::string json = sweep_json(variations, rows.value());
  if (auto written = page->write(json, static_cast<int>(::getpid())); !written)
    return fail(kExitUsage, "sweep: " + written.error().message);
  return print(line.json ? json : sweep_table(variations, rows.value()));
}

/// Records the program into `directory`, with its own output and a report that nobody reads.
Result<std::string> record_for_fit(const RunOptions& given, const std::string& directory) {
  RunOptions options = given;
  options.trace = directory + "/fit.trace";
  options.report = directory + "/report.json";
  options.quiet = true;
  options.prove_s = 0;
  if (options.progress == "auto" && ::isatty(STDERR_FILENO)) options.progress = "always";  // --quiet would hide it
  options.cgroup.clear();
  options.limits_from.clear();
  int status = run(options);
  if (status == kExitUsage || status == kExitNotExecutable || status == kExitNotFound)
    return Error{"the program could not be recorded"};
  if (status != 0) std::fprintf(stderr, "oomcast: fit: the program ended with status %d\n", status);
  return options.trace;
}

int fit(CommandLine line) {
  TemporaryDirectory directory;
  if (!line.run.command.empty()) {
    if (directory.path().empty()) return fail(kExitUsage, "fit: no temporary directory; set TMPDIR to a writable one");
    auto trace = record_for_fit(line.run, directory.path());
    if (!trace) return fail(kExitUsage, "fit: " + trace.error().message);
    line.replay.trace = trace.value();
  }
  auto recording = open_recording(line.replay, line.run);
  if (!recording) return fail(kExitUsage, "fit: " + recording.error().message);
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto found = fit(recording->bytes, line.replay.trace, recording->host, recording->options, line.fit,
                   [&](int asked, int64_t least, int64_t most) { progress.fit(asked, least, most); });
  progress.end();
  if (!found) return fail(kExitUsage, "fit: " + found.error().message);
  int status = print(line.json ? fit_json(found.value()) : fit_lines(found.value(), line.fit.as));
  return status != 0 ? status : found->smallest ? 0 : 1;
}

int host_show(const std::string& name, bool json) {
  auto spec = read_host(name);
  if (!spec) return fail(kExitUsage, spec.error().message);
  return print(json ? host::to_json(spec.value()) : render_host(spec.value()));
}

int host_capture(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(kExitUsage, "host capture: " + directory + ": " + error.message() + "; choose another directory");
  if (auto taken = record::snapshot_this_machine(directory); !taken) return fail(kExitUsage, taken.error().message);
  return print("This machine is described in " + directory + "; try: oomcast run --host " + directory +
               " -- PROGRAM ARGS...\n");
}

int doctor() {
  record::Capabilities capabilities = record::probe();
  std::string text;
  for (const std::string& line : capabilities.lines) text += line + "\n";
  return print(text);
}

int command(const std::vector<std::string>& arguments) {
  CommandLine line = parse_command_line(arguments);
  using Verb = CommandLine::Verb;
  switch (line.verb) {
    case Verb::kRun:
      start_log(line.run.log_level);
      return run(line.run);
    case Verb::kReplay:
      start_log(line.run.log_level);
      return replay(line);
    case Verb::kSweep:
      return sweep(line);
    case Verb::kFit:
      start_log(line.run.log_level);
      return fit(line);
    case Verb::kCheck:
      return check_command(line.gate);
    case Verb::kDiff:
      return diff_command(line.gate);
    case Verb::kPage:
      return page_command(line.page);
    case Verb::kExport:
      return export_command(line.export_to);
    case Verb::kShow:
      return show_command(line.show);
    case Verb::kRecordAttached:
      return record_attached(line.hello_socket_fd);
    case Verb::kHostList:
      return print(render_host_list());
    case Verb::kHostShow:
      return host_show(line.host_argument, line.json);
    case Verb::kHostCapture:
      return host_capture(line.host_argument);
    case Verb::kDoctor:
      return doctor();
    case Verb::kNothing:
      break;
  }
  if (!line.error.empty()) std::fprintf(stderr, "%s\n", line.error.c_str());
  if (!line.text.empty()) print(line.text);
  return line.status;
}

}  // namespace
}  // namespace oomcast::report

int main(int argc, char** argv) {
  oomcast::record::open_standard_streams();
  return oomcast::report::command({argv + 1, argv + argc});
}
