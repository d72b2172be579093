// The verb `page`: reads a document, makes a page of it, and writes the page whole or not at all. See page_command.h.
#include "report/page/page_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "report/command_line.h"
#include "report/console.h"
#include "report/page/page.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostReportBytes = int64_t{1} << 30;

Result<std::string> page_from(const std::string& path) {
  auto text = read_whole_file(path, kMostReportBytes);
  if (!text)
    return Error{path + ": cannot be read: " + text.error().message +
                 "; give the path of a report that 'oomcast run --report FILE' has written"};
  const Json document = Json::parse(text.value(), nullptr, false);
  if (document.is_discarded()) return Error{path + ": this is not JSON, or it is cut off; write the report again"};
  auto page = page_of(document);
  if (!page) return Error{path + ": " + page.error().message};
  return page;
}

}  // namespace

Result<PageFile> PageFile::prepare(const std::string& path, const std::string& report) {
  PageFile place;
  if (path.empty()) return place;
  if (path == report) return Error{"--html: " + path + ": the report is written there; choose another file"};
  auto file = ReportFile::prepare(path, "--html");
  if (!file) return file.error();
  place.file_ = std::move(file).value();
  return place;
}

Result<void> PageFile::write(const std::string& json, int pid) const {
  if (!file_) return {};
  auto page = page_of(Json::parse(json));
  if (!page) return Error{"page: " + page.error().message};
  return write_text(page.value(), pid);
}

Result<void> PageFile::write_text(const std::string& page, int pid) const {
  if (!file_) return {};
  if (auto written = file_->write(page, pid); !written) return written.error();
  return {};
}

std::string page_path_for(const std::string& report) {
  constexpr std::string_view kJson = ".json";
  return (report.ends_with(kJson) ? report.substr(0, report.size() - kJson.size()) : report) + ".html";
}

namespace {

constexpr const char* kExamples = R"(Examples:
  oomcast page oomcast.report.json                 writes oomcast.report.html
  oomcast sweep t.trace --vary memory=1G..16G --json > s.json, then: oomcast page s.json
  oomcast page r.json --output - | gzip > r.html.gz

Exit status: 0, or 2 for bad input (nothing is written then).)";

void add_options(CLI::App& app, CommandLine& line) {
  app.footer(kExamples);
  app.add_option("REPORT", line.page.report, "A report of run or replay, or the JSON of a sweep")->required();
  app.add_option("--output,-o", line.page.output,
                 "Where the page goes; - is stdout (default: beside the report, .html in place of .json)")
      ->type_name("FILE");
}

int make_page(const CommandLine& line) {
  const PageOptions& options = line.page;
  auto page = page_from(options.report);
  if (!page) return fail(kExitUsage, "page: " + page.error().message);
  if (options.output == "-") return print(page.value());
  const std::string path = options.output.empty() ? page_path_for(options.report) : options.output;
  if (path == options.report)
    return fail(kExitUsage, "page: " + path + ": this is the report itself; choose another file");
  auto file = ReportFile::prepare(path, "--output");
  if (!file) return fail(kExitUsage, "page: " + file.error().message);
  auto written = file->write(page.value(), static_cast<int>(::getpid()));
  if (!written) return fail(kExitUsage, "page: " + written.error().message);
  return print(written.value() + "\n");
}

}  // namespace

constinit const Verb kPageVerb = {
    .name = "page",
    .about = "Make a page with charts of a report or a sweep",
    .add_options = add_options,
    .command = make_page,
};

}  // namespace oomcast::report
