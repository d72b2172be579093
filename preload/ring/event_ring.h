// EventRing: a bounded ring of fixed slots that carries notes from many guest threads to the recorder. No writer waits.
//
// A writer claims a slot with one compare-and-swap. One reader, in another process, takes the slots in order. If the
// ring is full, the event is dropped and counted. A writer that dies between claim and publication would stop the
// reader for ever, so the reader skips such a slot after a while and counts it as lost. The reader trusts no number in
// the slots. Zeroed memory is an empty ring: a process that writes no note touches no page of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "model/trace/event.h"

namespace oomcast::ring {

inline constexpr uint32_t kFramesMax = 54;
inline constexpr int kPushTries = 256;
inline constexpr uint64_t kSlots = 2048;  // a power of two

struct Slot {
  std::atomic<uint64_t> lap;  // sequence minus the slot's number, so that zero means free for the first writer
  trace::Event event;
  uint64_t frame_count;
  uint64_t frames[kFramesMax];  // program counters of a sampled allocation, innermost first
};
static_assert(sizeof(Slot) == 512);

struct EventRing {
  alignas(64) std::atomic<uint64_t> head;     // next position to claim, advanced by writers
  alignas(64) std::atomic<uint64_t> dropped;  // events that found the ring full, counted by writers
  alignas(64) Slot slots[kSlots];

  static uint64_t number_of(uint64_t position) { return position & (kSlots - 1); }
  Slot& slot_of(uint64_t position) { return slots[number_of(position)]; }
  /// Sequence of the slot of `position`. Equal to `position`: free for its writer; `position` + 1: published.
  uint64_t sequence_at(uint64_t position, std::memory_order order) const {
    return slots[number_of(position)].lap.load(order) + number_of(position);
  }

  /// False: less than a quarter of the ring is free.
  bool roomy() const {
    const uint64_t ahead = head.load(std::memory_order_relaxed) + kSlots / 4;
    return static_cast<int64_t>(sequence_at(ahead, std::memory_order_relaxed) - ahead) >= 0;
  }

  /// Publishes the event. Async-signal-safe and wait-free. False: the ring is full, or kPushTries other writers were
  /// faster; the event is counted in `dropped`.
  bool try_push(const trace::Event& event, const uint64_t* frames = nullptr, uint32_t frame_count = 0) {
    uint64_t position = head.load(std::memory_order_relaxed);
    // A ring that the guest has overwritten may never be consistent again: the bound prevents an endless loop.
    for (int tries = 0; tries < kPushTries; ++tries) {
      Slot& slot = slot_of(position);
      const uint64_t sequence = sequence_at(position, std::memory_order_acquire);
      if (sequence == position) {
        if (head.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          slot.event = event;
          slot.frame_count = frame_count < kFramesMax ? frame_count : kFramesMax;
          for (uint32_t i = 0; i < slot.frame_count; ++i) slot.frames[i] = frames[i];
          // If the reader has skipped this slot meanwhile, the event is already counted as lost.
          uint64_t expected = position - number_of(position);
          slot.lap.compare_exchange_strong(expected, expected + 1, std::memory_order_release);
          return true;
        }
      } else if (static_cast<int64_t>(sequence - position) < 0) {
        break;
      } else {
        position = head.load(std::memory_order_relaxed);
      }
    }
    dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
};

struct RingRecord {
  trace::Event event;
  uint32_t frame_count = 0;
  uint64_t frames[kFramesMax];
};

/// The reading end. Its position is kept here, where the guest cannot overwrite it.
class RingReader {
 public:
  explicit RingReader(EventRing* ring) : ring_(ring) {}

  /// Copies the next record to `out`. False: no record is published there yet.
  bool pop(RingRecord& out) {
    if (ring_->sequence_at(tail_, std::memory_order_acquire) != tail_ + 1) return false;
    Slot& slot = ring_->slot_of(tail_);
    std::memcpy(&out.event, &slot.event, sizeof out.event);
    const uint64_t frames = slot.frame_count;
    out.frame_count = static_cast<uint32_t>(frames < kFramesMax ? frames : kFramesMax);
    std::memcpy(out.frames, slot.frames, out.frame_count * sizeof(uint64_t));
    release(slot);
    return true;
  }

  /// Whether a writer has claimed the next slot without publishing it yet.
  bool stuck() const {
    const uint64_t head = ring_->head.load(std::memory_order_relaxed);
    return head > tail_ && head - tail_ <= kSlots && ring_->sequence_at(tail_, std::memory_order_acquire) == tail_;
  }

  /// Skips a slot whose writer is assumed to be dead.
  void skip_one() {
    ++lost_;
    release(ring_->slot_of(tail_));
  }

  /// Events lost: skipped and dropped ones. A `dropped` that no program can reach was overwritten, and is left out.
  uint64_t lost() const {
    const uint64_t dropped = ring_->dropped.load(std::memory_order_relaxed);
    return lost_ + (dropped < uint64_t{1} << 40 ? dropped : 0);
  }

 private:
  void release(Slot& slot) {
    slot.lap.store(tail_ - EventRing::number_of(tail_) + kSlots, std::memory_order_release);
    ++tail_;
  }

  EventRing* ring_;
  uint64_t tail_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace oomcast::ring
