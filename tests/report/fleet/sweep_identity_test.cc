// Sweeps whose results could differ have different identities, so that their parts are never joined.
#include "report/fleet/sweep_identity.h"

#include <gtest/gtest.h>

#include "tests/report/fleet/fleet_sweep.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;

std::string identity(const FleetSweep& sweep) { return sweep_identity(sweep.input(), sweep.combinations()); }

TEST(SweepIdentity, IsTheSameForTheSameSweep) { EXPECT_EQ(identity(FleetSweep()), identity(FleetSweep())); }

TEST(SweepIdentity, KnowsWhatTheKubeletRanksBy) {
  FleetSweep plain, requests, matters;
  requests.options_.model.memory_request = 16_MiB;
  matters.options_.model.priority = 1000;
  EXPECT_NE(identity(plain), identity(requests));
  EXPECT_NE(identity(plain), identity(matters));
}

TEST(SweepIdentity, KnowsWhatTheKubeletRanksServicesBy) {
  const auto with = [](Bytes request, int priority) {
    const FleetSweep sweep;
    RecordedService service;
    service.trace = std::make_shared<const std::string>("recording");
    service.memory_request = request;
    service.priority = priority;
    Workload workload;
    workload.services = {service};
    return sweep_identity({workload, sweep.host_, sweep.options_, sweep.named_}, sweep.combinations());
  };
  EXPECT_EQ(with(16_MiB, 0), with(16_MiB, 0));
  EXPECT_NE(with(16_MiB, 0), with(32_MiB, 0));
  EXPECT_NE(with(16_MiB, 0), with(16_MiB, 1000));
}

}  // namespace
}  // namespace oomcast::report
