// Feeds the events of one of several services to a simulation.
#pragma once

#include <cstddef>
#include <vector>

#include "model/sim/simulation.h"

namespace oomcast::support {

/// `number` is a position in sim::Options::services.
class ServiceSink final : public trace::EventSink {
 public:
  ServiceSink(sim::Simulation& simulation, size_t number) : simulation_(simulation), number_(number) {}
  void feed(const trace::Event& event) override { simulation_.feed(event, number_); }
  void take_watches(std::vector<trace::WatchRequest>&) override {}
  void take_kills(std::vector<trace::KillRequest>&) override {}
  uint64_t headroom_pages() const override { return 0; }

 private:
  sim::Simulation& simulation_;
  size_t number_;
};

}  // namespace oomcast::support
