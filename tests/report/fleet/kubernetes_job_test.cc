// The manifest is YAML that says what it should, whatever the words of the command are.
#include "report/fleet/kubernetes_job.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace oomcast::report {
namespace {

TEST(KubernetesJob, IsAnIndexedJobOfAllParts) {
  const YAML::Node job = YAML::Load(kubernetes_manifest(
      {"oomcast-1", "registry/oomcast:1", "/data", {"oomcast", "sweep", "a \"b\"'.trace", "--part=@PART@/7"}, 7, 2}));
  EXPECT_EQ(job["kind"].as<std::string>(), "Job");
  EXPECT_EQ(job["spec"]["completionMode"].as<std::string>(), "Indexed");
  EXPECT_EQ(job["spec"]["completions"].as<int>(), 7);
  EXPECT_EQ(job["spec"]["parallelism"].as<int>(), 7);
  const YAML::Node pod = job["spec"]["template"]["spec"], container = pod["containers"][0];
  EXPECT_EQ(pod["restartPolicy"].as<std::string>(), "Never") << "podFailurePolicy asks for it";
  EXPECT_EQ(container["image"].as<std::string>(), "registry/oomcast:1");
  EXPECT_EQ(container["workingDir"].as<std::string>(), "/data");
  EXPECT_EQ(container["args"][0].as<std::string>(),
            "exec 'oomcast' 'sweep' 'a \"b\"'\\''.trace' '--part='\"$((JOB_COMPLETION_INDEX + 1))\"'/7'");
  EXPECT_EQ(container["volumeMounts"][0]["mountPath"].as<std::string>(), "/data");
  EXPECT_EQ(container["resources"]["requests"]["cpu"].as<std::string>(), "2");
  EXPECT_EQ(job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"][0].as<int>(), 2);
}

}  // namespace
}  // namespace oomcast::report
