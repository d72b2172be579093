// The options of a sweep that runs in parts. See fleet_grammar.h.
#include "report/fleet/fleet_grammar.h"

#include <algorithm>
#include <set>

namespace oomcast::report {

void add_fleet_options(CLI::App& app, FleetOptions& options) {
  app.add_option("--hosts", options.hosts,
                 "Many hosts instead of one: a folder whose files are hosts, or a list with one host a line; as --vary "
                 "host=A,B")
      ->type_name("FILE");
  app.add_option("--parts", options.parts, "Where a sweep that is run in parts keeps them, one file each")
      ->type_name("DIR");
  app.add_option("--part", options.part, "Run the K-th of N parts only, and put its rows into --parts")
      ->type_name("K/N");
  app.add_flag("--merge", options.merge, "Show the parts that are in --parts as the one sweep that they are");
  app.add_option("--engine", options.engine,
                 "Run the parts on a cluster: slurm (submits a job array for the parts that are missing, waits, "
                 "merges), or k8s (prints an Indexed Job)")
      ->type_name("slurm|k8s")
      ->check(CLI::IsMember({"slurm", "k8s"}));
  app.add_option("--split", options.split, "Parts for the engine (default: some ten hosts each, at most 1000 parts)")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{10000}));
  app.add_flag("--no-wait", options.no_wait, "With --engine slurm: submit and return; the same call again goes on");
  app.add_option("--image", options.image, "With --engine k8s: the container image that has oomcast")
      ->type_name("IMAGE");
}

std::vector<std::string> sweep_words(const CLI::App& sweep) {
  static const std::set<std::string> kOfTheResult = {"--parts", "--part",     "--merge", "--engine",
                                                     "--split", "--no-wait",  "--image", "--json",
                                                     "--html",  "--progress", "--jobs",  "--help"};
  std::vector<std::string> words;
  for (const CLI::Option* option : sweep.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || kOfTheResult.contains(name) || option->get_name(false, true).starts_with("--help"))
      continue;
    for (const std::string& value : option->results()) {
      if (option->get_positional())
        words.push_back(value);
      else
        words.push_back(option->get_type_size() == 0 ? name : name + "=" + value);
    }
  }
  return words;
}

std::string fleet_problem(const FleetOptions& options, const CLI::App& sweep) {
  const auto given = [&](const char* name) { return sweep.count(name) > 0; };
  const int ways = given("--part") + given("--engine") + given("--merge");
  if (ways > 1) return "--part, --engine and --merge do not go together; give one of them";
  if (ways == 1 && options.parts.empty()) return "give the folder of the parts with --parts DIR";
  if (ways == 0 && !options.parts.empty())
    return "--parts goes with --part K/N (run one), --engine slurm|k8s (run all) or --merge";
  if (given("--part") && (given("--html") || given("--json")))
    return "--part has no table; --json and --html go with --merge, once all parts are there";
  if (given("--split") && !given("--engine") && !given("--merge")) return "--split goes with --engine or --merge";
  if (options.no_wait && options.engine != "slurm") return "--no-wait goes with --engine slurm";
  if (options.engine == "k8s" && (given("--html") || given("--json")))
    return "--engine k8s prints a manifest; --json and --html go with --merge, once its job is done";
  if (given("--image") && options.engine != "k8s") return "--image goes with --engine k8s";
  const auto varies_host = [](const std::string& word) {
    return word.starts_with("host=") || word.starts_with("--host=");
  };
  const auto vary = given("--vary") ? sweep.get_option("--vary")->results() : std::vector<std::string>{};
  const bool many_hosts = given("--hosts") || std::any_of(vary.begin(), vary.end(), varies_host);
  if (many_hosts && given("--host"))
    return "--host is one host and --hosts (or --vary host=...) are many; give one of them";
  if (ways == 1 && given("--host") && sweep.get_option("--host")->results().back() == "this")
    return "'this' is another machine for each part; save one with 'oomcast host capture --file box.txt' and give "
           "--host "
           "box.txt";
  if (!given("--vary") && !given("--hosts")) return "--vary is required (or --hosts)";
  return "";
}

}  // namespace oomcast::report
