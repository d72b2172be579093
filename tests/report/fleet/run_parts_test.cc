// Parts are submitted, waited for, submitted again when they are lost, and given up when they are lost again.
#include "report/fleet/run_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace oomcast::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A cluster whose time passes only while it is waited for: each task ends after some pauses, and some without a file.
class FakeCluster : public PartQueue {
 public:
  explicit FakeCluster(size_t parts) {
    for (size_t part = 1; part <= parts; ++part) missing_.insert(part);
    watch.missing = [this] { return std::vector<size_t>(missing_.begin(), missing_.end()); };
    watch.progress = [](const std::vector<size_t>&) {};
    watch.pause = [this](double) { pass(); };
    watch.say = [this](const std::string& text) { said.push_back(text); };
  }
  Result<void> submit(const std::vector<size_t>& parts) override {
    submitted.push_back(parts);
    for (const size_t part : parts) left_[part] = 3;
    return {};
  }
  Result<QueuedParts> queued() override {
    ++asked;
    if (silent > 0) return --silent, Error{"squeue failed"};
    QueuedParts queued;
    for (const auto& [part, left] : left_) queued.parts.insert(part);
    queued.waiting_for = reason;
    return queued;
  }
  void pass() {
    for (auto at = left_.begin(); at != left_.end();) {
      if (--at->second > 0) {
        ++at;
        continue;
      }
      if (fails[at->first] > 0)
        --fails[at->first];
      else
        missing_.erase(at->first);
      at = left_.erase(at);
    }
  }
  void is_there(size_t part) { missing_.erase(part); }

  PartsWatch watch;
  std::map<size_t, int> fails;  // how often the task of a part ends without a file
  int silent = 0;               // so often there is no answer
  int asked = 0;
  std::string reason;
  std::vector<std::vector<size_t>> submitted;
  std::vector<std::string> said;

 private:
  std::set<size_t> missing_;
  std::map<size_t, int> left_;
};

std::vector<size_t> run(FakeCluster& cluster) {
  EXPECT_TRUE(submit_missing(cluster, cluster.watch).ok());
  auto lost = wait_for_parts(cluster, cluster.watch);
  EXPECT_TRUE(lost.ok());
  return lost.ok() ? lost.value() : std::vector<size_t>{};
}

TEST(RunParts, SubmitsAllOnce) {
  FakeCluster cluster(3);
  EXPECT_THAT(run(cluster), IsEmpty());
  EXPECT_THAT(cluster.submitted, ElementsAre(ElementsAre(1u, 2u, 3u)));
}

TEST(RunParts, SubmitsOnlyWhatIsMissingAndNotQueued) {
  FakeCluster cluster(4);
  cluster.is_there(2);
  ASSERT_TRUE(cluster.submit({4}).ok());
  EXPECT_THAT(run(cluster), IsEmpty());
  EXPECT_THAT(cluster.submitted, ElementsAre(ElementsAre(4u), ElementsAre(1u, 3u)));
  EXPECT_EQ(submit_missing(cluster, cluster.watch).value(), 0u);
}

TEST(RunParts, ALostPartIsSubmittedAgain) {
  FakeCluster cluster(3);
  cluster.fails[2] = 1;
  EXPECT_THAT(run(cluster), IsEmpty());
  EXPECT_THAT(cluster.submitted, ElementsAre(ElementsAre(1u, 2u, 3u), ElementsAre(2u)));
  EXPECT_THAT(cluster.said, ElementsAre(HasSubstr("part 2 has ended without a result")));
}

TEST(RunParts, APartThatIsLostTwiceIsGivenUpAndTheOthersAreWaitedFor) {
  FakeCluster cluster(3);
  cluster.fails[1] = 9;
  cluster.fails[3] = 1;
  EXPECT_THAT(run(cluster), ElementsAre(1u));
  EXPECT_THAT(cluster.submitted, ElementsAre(ElementsAre(1u, 2u, 3u), ElementsAre(1u, 3u)));
}

TEST(RunParts, AnEngineThatIsSilentForAWhileIsWaitedFor) {
  FakeCluster cluster(2);
  ASSERT_TRUE(submit_missing(cluster, cluster.watch).ok());
  cluster.silent = 20;
  auto lost = wait_for_parts(cluster, cluster.watch);
  ASSERT_TRUE(lost.ok());
  EXPECT_THAT(lost.value(), IsEmpty());
  EXPECT_EQ(cluster.submitted.size(), 1u) << "nothing is lost because nothing is known";
}

TEST(RunParts, AnEngineThatStaysSilentIsAnError) {
  FakeCluster cluster(1);
  cluster.fails[1] = 9;
  ASSERT_TRUE(submit_missing(cluster, cluster.watch).ok());
  cluster.silent = 1000000;
  auto lost = wait_for_parts(cluster, cluster.watch);
  ASSERT_FALSE(lost.ok());
  EXPECT_THAT(lost.error().message, HasSubstr("the same call again goes on"));
  EXPECT_FALSE(submit_missing(cluster, cluster.watch).ok());
}

TEST(RunParts, TheLastPartIsSeenAtOnceThoughTheEngineIsAskedSeldom) {
  FakeCluster cluster(1);
  double seconds = 0;
  cluster.watch.pause = [&](double pause) {
    seconds += pause;
    if (seconds >= 60) cluster.is_there(1);
  };
  EXPECT_THAT(run(cluster), IsEmpty());
  EXPECT_LE(seconds, 60.5);
  EXPECT_LE(cluster.asked, 25);
}

TEST(RunParts, WhyNothingRunsIsSaidOnce) {
  FakeCluster cluster(1);
  cluster.reason = "PartitionDown";
  EXPECT_THAT(run(cluster), IsEmpty());
  EXPECT_THAT(cluster.said, ElementsAre(HasSubstr("PartitionDown")));
}

}  // namespace
}  // namespace oomcast::report
