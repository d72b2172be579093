// What the user says of services is read, or refused with one sentence that says what to write instead.
#include "report/services/service_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace oomcast::literals;

std::string problem(const std::string& words) {
  auto service = parse_service(words);
  return service ? "" : service.error().message;
}
std::string yaml_problem(const std::string& yaml) {
  auto services = parse_services(yaml, "dir/s.yaml");
  return services ? "" : services.error().message;
}
ServiceSpec named(const std::string& name, int count = 1) {
  ServiceSpec service;
  service.name = name;
  service.count = count;
  return service;
}
std::string problem_of(const std::vector<ServiceSpec>& services) {
  auto all = expanded(services);
  return all ? "" : all.error().message;
}

TEST(ServiceSpec, HasEachKey) {
  auto service = parse_service(
      "name=web,trace=dir/w.trace,count=3,memory.max=512M,memory.swap.max=0,memory.min=1M,start=1.5s,cpu-node=1,"
      "oom_score_adj=-500");
  ASSERT_TRUE(service.ok()) << service.error().message;
  EXPECT_EQ(service->name, "web");
  EXPECT_EQ(service->trace, "dir/w.trace");
  EXPECT_EQ(service->count, 3);
  EXPECT_THAT(service->limits, ElementsAre("memory.max=512M", "memory.swap.max=0", "memory.min=1M"));
  EXPECT_EQ(service->start, 1500_ms);
  EXPECT_EQ(service->cpu_node, 1);
  EXPECT_EQ(service->oom_score_adj, -500);
}

TEST(ServiceSpec, IsNamedAfterItsTrace) {
  EXPECT_EQ(parse_service("trace=dir/web.trace")->name, "web");
  EXPECT_EQ(service_of_trace("a b.trace").name, "a_b");
  EXPECT_EQ(service_of_trace("..").name, "service");
}

TEST(ServiceSpec, StartsAreTimesOfTheHost) {
  EXPECT_EQ(parse_service("trace=t,start=500ms")->start, 500_ms);
  EXPECT_EQ(parse_service("trace=t,start=2m")->start, 120_s);
  EXPECT_EQ(parse_service("trace=t,start=3")->start, 3_s);
  for (const char* bad : {"-1s", "1d", "", "s", "1..5s", "25h", "nan", "1e9", "99999999999999999999h"})
    EXPECT_THAT(problem(std::string("trace=t,start=") + bad), HasSubstr("expected a time from 0 to 24h")) << bad;
}

TEST(ServiceSpec, SaysWhatIsWrongAndWhatToWrite) {
  EXPECT_THAT(problem("trace=t,count=0"), HasSubstr("count='0', expected a number from 1 to 100"));
  EXPECT_THAT(problem("trace=t,count=1000000000"), HasSubstr("expected a number from 1 to 100"));
  EXPECT_THAT(problem("trace=t,count=two"), HasSubstr("expected a number"));
  EXPECT_THAT(problem("trace=t,memory.maxx=1G"), AllOf(HasSubstr("no key"), HasSubstr("memory.max")));
  EXPECT_THAT(problem("trace=t,memory.max=much"), HasSubstr("expected a size such as 512M"));
  EXPECT_THAT(problem("trace=t,oom_score_adj=1001"), HasSubstr("from -1000 to 1000"));
  EXPECT_THAT(problem("trace=t,cpu-node=-1"), HasSubstr("cpu-node"));
  EXPECT_THAT(problem("trace=t,trace=u"), HasSubstr("trace is given twice"));
  EXPECT_THAT(problem("name=web"), HasSubstr("no trace=FILE"));
  EXPECT_THAT(problem("trace="), HasSubstr("trace= is empty"));
  EXPECT_THAT(problem("web.trace"), HasSubstr("is not KEY=VALUE"));
  EXPECT_THAT(problem(""), HasSubstr("is not KEY=VALUE"));
  EXPECT_THAT(problem("trace=t,"), HasSubstr("is not KEY=VALUE"));
  for (const char* name : {"a/b", "..", "", "a b"})
    EXPECT_THAT(problem(std::string("trace=t,name=") + name), HasSubstr("expected at most 64 letters")) << name;
}

TEST(ServiceSpec, AFileHasAMapOrAList) {
  auto map = parse_services("services:\n  web: {trace: w.trace, count: 2}\n  db: {trace: /d.trace, memory.max: 1G}\n",
                            "dir/s.yaml");
  ASSERT_TRUE(map.ok()) << map.error().message;
  ASSERT_EQ(map->size(), 2u);
  EXPECT_EQ(map.value()[0].name, "web");
  EXPECT_EQ(map.value()[0].trace, "dir/w.trace");
  EXPECT_EQ(map.value()[1].trace, "/d.trace");
  auto list = parse_services("- {name: web, trace: w.trace}\n- trace: db.trace\n", "s.yaml");
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list.value()[1].name, "db");
  EXPECT_EQ(list.value()[1].trace, "db.trace");
}

TEST(ServiceSpec, AnchorsAreWhatTheyStandFor) {
  auto services = parse_services("services:\n  a: &x {trace: t, memory.max: 1G}\n  b: *x\n", "s.yaml");
  ASSERT_TRUE(services.ok()) << services.error().message;
  EXPECT_THAT(services.value()[1].limits, ElementsAre("memory.max=1G"));
}

TEST(ServiceSpec, MergeKeysAreReplacedByWhatTheyMerge) {
  auto services = parse_services(
      "x: &x {memory.max: 1G, memory.high: 2G}\nservices:\n  a: {<<: *x, trace: t, memory.max: 3G}\n", "s.yaml");
  ASSERT_TRUE(services.ok()) << services.error().message;
  EXPECT_THAT(services.value()[0].limits, ElementsAre("memory.max=3G", "memory.high=2G"));
  EXPECT_THAT(yaml_problem("services: {a: &a {<<: *a, trace: t}}"), HasSubstr("'<<' is not a single value"));
}

TEST(ServiceSpec, SaysWhereAFileIsWrong) {
  EXPECT_THAT(yaml_problem("services: [\n"), AllOf(HasSubstr("dir/s.yaml:"), HasSubstr("not YAML")));
  EXPECT_THAT(yaml_problem(""), HasSubstr("no services"));
  EXPECT_THAT(yaml_problem("services: {}"), HasSubstr("no services"));
  EXPECT_THAT(yaml_problem("services: 3"), HasSubstr("no services"));
  EXPECT_THAT(yaml_problem("other: {web: {trace: t}}"), HasSubstr("no services"));
  EXPECT_THAT(yaml_problem("services:\n  web: w.trace\n"), AllOf(HasSubstr("dir/s.yaml:2"), HasSubstr("not a map")));
  EXPECT_THAT(yaml_problem("services:\n  web: {trace: t, limit: 1}\n"), AllOf(HasSubstr("'web'"), HasSubstr("no key")));
  EXPECT_THAT(yaml_problem("services:\n  web: {trace: [t]}\n"), HasSubstr("is not a single value"));
  EXPECT_THAT(yaml_problem("services:\n  web: {trace: t, trace: u}\n"), HasSubstr("given twice"));
  EXPECT_THAT(yaml_problem("services:\n  web: {trace: t, start: -5}\n"), HasSubstr("expected a time"));
  EXPECT_THAT(read_services("/nowhere/s.yaml").error().message, HasSubstr("No such file"));
}

TEST(ServiceSpec, CopiesGetNumbers) {
  auto all = expanded({named("web", 2), named("db")});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all.value()[0].name, "web-1");
  EXPECT_EQ(all.value()[1].name, "web-2");
  EXPECT_EQ(all.value()[2].name, "db");
}

TEST(ServiceSpec, ANameStandsForOneService) {
  EXPECT_THAT(problem_of({named("web"), named("web")}), AllOf(HasSubstr("'web'"), HasSubstr("another name")));
  EXPECT_THAT(problem_of({named("web", 2), named("web-2")}), HasSubstr("'web-2'"));
  EXPECT_THAT(problem_of({named("web", 60), named("db", 41)}), HasSubstr("more than 100 services"));
  EXPECT_EQ(problem_of({named("web", 60), named("db", 40)}), "");
}

TEST(ServiceSpec, SaysWhatAKubeletRanksBy) {
  auto service = parse_service("trace=a.trace,limits-from=pod.yaml:web,request=256M,priority=-5");
  ASSERT_TRUE(service.ok()) << service.error().message;
  EXPECT_EQ(service->limits_from, "pod.yaml:web");
  EXPECT_EQ(service->memory_request, 256_MiB);
  EXPECT_EQ(service->priority, -5);
  EXPECT_THAT(problem("trace=a,request=lots"), HasSubstr("request='lots', expected a size such as 512M"));
  EXPECT_THAT(problem("trace=a,priority=high"), HasSubstr("priority='high', expected a number"));
  EXPECT_THAT(problem("trace=a,limits-from="), HasSubstr("limits-from= is empty"));
  auto services = parse_services("services: {web: {trace: a.trace, limits-from: pod.yaml}}", "dir/s.yaml");
  ASSERT_TRUE(services.ok()) << services.error().message;
  EXPECT_EQ(services->at(0).limits_from, "dir/pod.yaml") << "beside the file, as the trace";
}

}  // namespace
}  // namespace oomcast::report
