// Reads one OOM report in every form in which people save and pass on a log.
#include "report/oomlog/log_forms.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/oomlog/parse_oom_report.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::oomlog {
namespace {

template <class Change>
std::string each_line(const std::string& log, const Change& change) {
  std::string out;
  for (size_t at = 0; at < log.size();) {
    const size_t end = log.find('\n', at);
    out += change(log.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

std::string replaced_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// The records of the journal: lines that begin with a blank belong to the message before.
std::string as_records(const std::string& log, const std::string& key, const std::string& end = "") {
  std::string out, message;
  const auto put = [&] {
    if (message.empty()) return;
    out += nlohmann::json{{"_HOSTNAME", "box"}, {key, message + end}, {"PRIORITY", "4"}}.dump() + "\n";
    message.clear();
  };
  each_line(log, [&](const std::string& line) {
    if (!line.starts_with(' ')) put();
    message += (message.empty() ? "" : "\n") + line;
    return line;
  });
  put();
  return out;
}

std::string as_utf16(const std::string& log) {
  std::string out = "\xff\xfe";
  for (const char c : log) out += std::string{c, '\0'};
  return out;
}

void expect_all_of_it(const std::string& log, const std::string& form) {
  const auto report = parse_oom_report(log, "kern.log", std::nullopt);
  ASSERT_TRUE(report.ok()) << form << ": " << report.error().message;
  EXPECT_EQ(report->of, 1) << form;
  EXPECT_EQ(report->request.comm, "collector") << form;
  EXPECT_EQ(report->kernel_release, "6.1.0-18-amd64") << form;
  EXPECT_EQ(report->mem_info.get("active_anon"), 1200) << form;
  EXPECT_EQ(report->mem_info.get("active_file"), 120) << form;
  EXPECT_EQ(report->mem_info.get("free"), 12600) << form;
  ASSERT_EQ(report->zones.size(), 2u) << form;
  EXPECT_EQ(report->zones[1].kb.get("managed"), 1980000) << form;
  EXPECT_EQ(report->zones[1].free_blocks.size(), 11u) << form;
  EXPECT_EQ(report->tasks.size(), 4u) << form;
  EXPECT_EQ(report->total_swap_kb, 0) << form;
  ASSERT_TRUE(report->killed) << form;
  EXPECT_EQ(report->killed->comm, "big one (x)") << form;
}

TEST(LogForms, PrefixesOfManyTools) {
  for (const char* prefix : {"web-1  | ", "20:31:49.738 [warn] ", "2026-11-29 18:00:01 +0000 kern.warn: ", ">", "> > ",
                             "# ", "| ", "3585:", "  12\t", "4,1234,812100001,-;", "** 3 printk messages dropped ** ",
                             "[  812.100001 / 11-29 18:00:01.123] ", "[  812.100001@2] ", "[  812.100001][ T4711] ",
                             "MESSAGE=", "\x1b[32m[  812.100001] \x1b[0m\x1b[33m",
                             "11-29 18:00:01.123     0     0 W : ", "/var/log/kern.log:Nov 29 18:00:01 box kernel: "})
    expect_all_of_it(each_line(kHost61, [&](const std::string& line) { return prefix + line; }), prefix);
}

TEST(LogForms, RecordsOfTheJournalAndOfCollectors) {
  expect_all_of_it(as_records(kHost61, "MESSAGE"), "journalctl -o json");
  expect_all_of_it(as_records(kHost61, "log", "\n"), "Docker's json-file");
  expect_all_of_it(each_line(as_records(kHost61, "MESSAGE"), [](const std::string& line) { return "data: " + line; }),
                   "journalctl -o json-sse");
  expect_all_of_it(each_line(as_records(kHost61, "MESSAGE"),
                             [](const std::string& line) { return nlohmann::json::parse(line).dump(8); }),
                   "journalctl -o json-pretty");
  expect_all_of_it(replaced_all(replaced_all(kHost61, "\n ", "\\x0a "), "[  812", "4,12,81,-;[  812"), "/dev/kmsg");
}

TEST(LogForms, FilesOfWindowsAndOfTheWeb) {
  expect_all_of_it(as_utf16(kHost61), "UTF-16");
  expect_all_of_it(replaced_all(kHost61, "\n", "\r\n"), "CR LF");
  expect_all_of_it(replaced_all(kHost61, "\n", "\r"), "CR");
  expect_all_of_it(each_line(kHost61, [](const std::string& line) { return "&lt;4&gt;" + line; }), "entities");
  expect_all_of_it(
      each_line(kHost61, [](const std::string& line) { return "<span class=\"l\">" + line + "</span><br>"; }), "tags");
  expect_all_of_it(replaced_all(kHost61, "  ", "\xc2\xa0\xc2\xa0"), "blanks that do not break");
}

TEST(LogForms, AMailBreaksAndEscapesLines) {
  std::string soft;
  for (const std::string& mail = replaced_all(kHost61, "=", "=3D"); const char c : mail) {
    soft += c;
    if (soft.size() - (soft.rfind('\n') + 1) > 70 && c != '=' && c != '3') soft += "=\n";
  }
  expect_all_of_it(soft, "quoted-printable");
  // A mailer that breaks lines at blanks.
  std::string hard;
  size_t column = 0;
  bool broken = false;
  for (const char c : kHost61) {
    if (c == ' ' && hard.ends_with('\n') && column == 0 && broken) continue;
    broken = c == ' ' && column > 68;
    hard += broken ? '\n' : c;
    column = hard.back() == '\n' ? 0 : column + 1;
  }
  expect_all_of_it(hard, "broken at blanks");
}

TEST(LogForms, LinesThatAreThereTwice) {
  expect_all_of_it(each_line(kHost61, [](const std::string& line) { return line + "\n" + line; }), "each line twice");
  const std::string kill = kHost61.substr(kHost61.find("Out of memory: Killed"));
  expect_all_of_it(kHost61 + "Nov 29 18:00:02 box watcher[77]: event=\"" + kill.substr(0, kill.find('\n')) + "\"\n",
                   "logged again by another program");
}

TEST(LogForms, PlainTextIsLeftAlone) {
  EXPECT_FALSE(as_plain_lines(kHost61));
  EXPECT_FALSE(as_plain_lines("{\"MESSAGE\": \"hello\"}"));
}

}  // namespace
}  // namespace oomcast::oomlog
