// Parts in a folder make the sweep of one machine, byte for byte; what is lost, cut or another's is named.
#include "report/fleet/parts_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/report/fleet/fleet_sweep.h"

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using State = FoundPart::State;

class PartsInAFolder : public testing::Test {
 protected:
  PartsInAFolder() {
    char name[] = "/tmp/oomcast-parts.XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~PartsInAFolder() override { fs::remove_all(directory); }

  PartsFolder folder_of(const FleetSweep& sweep) const { return {directory, input_of(sweep), sweep.combinations()}; }
  /// Inputs live as long as the test.
  const SweepInput& input_of(const FleetSweep& sweep) const {
    inputs.push_back(std::make_unique<SweepInput>(sweep.input()));
    return *inputs.back();
  }
  void run(const FleetSweep& sweep, const PartsFolder& folder, Part part) const {
    auto file = folder.prepare(part);
    ASSERT_TRUE(file.ok());
    auto rows =
        forecast_rows(sweep.input(), sweep.combinations(), range_of(part, sweep.combinations().count()), 1).value();
    ASSERT_TRUE(folder.write(file.value(), part, std::move(rows)).ok());
  }
  void run_all(const FleetSweep& sweep, const PartsFolder& folder, size_t parts) const {
    for (size_t number = 1; number <= parts; ++number) run(sweep, folder, {number, parts});
  }
  static std::vector<std::string> problems(const PartsFolder& folder, size_t parts) {
    const MergedParts merged = folder.merged(parts);
    const auto* found = std::get_if<std::vector<std::string>>(&merged);
    return found ? *found : std::vector<std::string>{};
  }

  FleetSweep fleet;
  std::string directory;
  mutable std::vector<std::unique_ptr<SweepInput>> inputs;
};

TEST_F(PartsInAFolder, MakeTheSweepOfOneMachine) {
  const PartsFolder folder = folder_of(fleet);
  for (const size_t parts : {1u, 5u, 12u}) {
    run_all(fleet, folder, parts);
    MergedParts merged = folder.merged(parts);
    auto* rows = std::get_if<std::vector<SweepRow>>(&merged);
    ASSERT_NE(rows, nullptr);
    ASSERT_TRUE(conclude_rows(fleet.input(), fleet.combinations(), *rows).ok());
    EXPECT_EQ(sweep_json(fleet.combinations().variations(), *rows), fleet.json()) << parts;
    EXPECT_EQ(sweep_table(fleet.combinations().variations(), *rows),
              sweep_table(fleet.combinations().variations(), fleet.rows()));
  }
}

TEST_F(PartsInAFolder, ThatAreLostAreNamedWithTheirRows) {
  const PartsFolder folder = folder_of(fleet);
  run_all(fleet, folder, 4);
  fs::remove(folder.file_of({2, 4}));
  EXPECT_THAT(folder.missing(4), ElementsAre(2u));
  EXPECT_THAT(problems(folder, 4), ElementsAre(AllOf(HasSubstr("part 2 of 4 is missing"),
                                                     HasSubstr("part-0002-of-0004.jsonl"), HasSubstr("rows 4 to 6"))));
}

TEST_F(PartsInAFolder, ThatAreHalfWrittenAreNamed) {
  const PartsFolder folder = folder_of(fleet);
  run_all(fleet, folder, 3);
  const std::string file = folder.file_of({3, 3});
  fs::resize_file(file, fs::file_size(file) - 100);
  EXPECT_THAT(problems(folder, 3), ElementsAre(HasSubstr("part 3 of 3 is cut off after 3 of 4 rows: " + file)));
  EXPECT_EQ(folder.read({3, 3}).state, State::kDamaged);
}

TEST_F(PartsInAFolder, OfAnotherSweepAreNamed) {
  FleetSweep other;
  other.options_.model.oom_score_adj = 5;
  const PartsFolder folder = folder_of(fleet);
  run_all(fleet, folder, 2);
  run(other, folder_of(other), {2, 2});
  EXPECT_THAT(problems(folder, 2), ElementsAre(HasSubstr("part 2 of 2 is of another sweep")));
  EXPECT_EQ(folder.read({2, 2}).state, State::kForeign);
}

TEST_F(PartsInAFolder, UnderAnothersNameAreNamed) {
  const PartsFolder folder = folder_of(fleet);
  run_all(fleet, folder, 2);
  fs::copy_file(folder.file_of({1, 2}), folder.file_of({2, 2}), fs::copy_options::overwrite_existing);
  EXPECT_THAT(problems(folder, 2), ElementsAre(HasSubstr("part 2 of 2 is not what its name says")));
}

TEST_F(PartsInAFolder, OfHostsThatChangedMeanwhileAreNamed) {
  FleetSweep many({{"host", {"a", "b"}}, {"vm.swappiness", {"0", "60"}}});
  int64_t memory = 64;
  many.named_ = [&](const std::string& name) -> Result<host::HostSpec> {
    const Bytes size(name == "b" ? memory << 20 : int64_t{48} << 20);
    return support::HostBuilder().node(size).set("vm.overcommit_memory", 1).build();
  };
  const PartsFolder folder = folder_of(many);
  run_all(many, folder, 2);
  EXPECT_THAT(problems(folder, 2), ElementsAre());
  memory = 32;
  EXPECT_THAT(problems(folder, 2),
              ElementsAre(HasSubstr("part 2 of 2 was made when its hosts were described otherwise than now")));
}

TEST_F(PartsInAFolder, SayIntoHowManyTheSweepIsDivided) {
  const PartsFolder folder = folder_of(fleet);
  EXPECT_EQ(folder.division().value(), 0u);
  std::ofstream(directory + "/part-0001-of-0003.jsonl.tmp") << "no part's name";
  std::ofstream(directory + "/part-3.log") << "nor this";
  EXPECT_EQ(folder.division().value(), 0u);
  run(fleet, folder, {2, 3});
  EXPECT_EQ(folder.division().value(), 3u);
  run(fleet, folder, {1, 4});
  ASSERT_FALSE(folder.division().ok());
  EXPECT_THAT(folder.division().error().message, HasSubstr("divided by 3 and 4"));
}

TEST_F(PartsInAFolder, InAFolderThatIsNoneAreOneError) {
  std::ofstream(directory + "/file") << "";
  const PartsFolder folder(directory + "/file", input_of(fleet), fleet.combinations());
  EXPECT_FALSE(folder.create().ok());
  EXPECT_FALSE(folder.division().ok());
  EXPECT_EQ(folder.missing(2).size(), 2u);
}

}  // namespace
}  // namespace oomcast::report
