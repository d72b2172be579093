// The model's random numbers: one seeded generator (SplitMix64), which gives the same numbers on every machine.
#pragma once

#include <cstdint>

namespace oomcast {

struct Seed {
  uint64_t value = 1;
};

class Random {
 public:
  explicit constexpr Random(Seed seed) : state_(seed.value) {}
  constexpr uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// A number in [0, bound). REQUIRES: bound > 0. The bias of the modulo is below 2^-32 for the bounds used here.
  constexpr uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

}  // namespace oomcast
