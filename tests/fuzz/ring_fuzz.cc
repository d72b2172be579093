// Lets a guest write anything at all into the shared ring and table: their reader must not crash.
//
// The input is a script: each 16 bytes write eight of them at an offset, then the reader reads. What it hands out has
// to stay within the bounds that its users rely on.
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "model/base/check.h"
#include "preload/ring/event_ring.h"
#include "preload/ring/file_notes.h"
#include "preload/ring/known_pages.h"

using namespace oomcast;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  struct Shared {
    ring::EventRing ring;
    ring::FileCallTable files;
    ring::KnownPages known;
  };
  static const std::unique_ptr<Shared> shared(new Shared);
  new (&shared->ring) ring::EventRing();
  ring::RingReader reader(&shared->ring);
  ring::KnownPagesWriter known(&shared->known);
  ring::RingRecord record;
  auto* bytes = reinterpret_cast<uint8_t*>(shared.get());
  for (; size >= 16; data += 16, size -= 16) {
    uint64_t at = 0;
    std::memcpy(&at, data, sizeof at);
    std::memcpy(bytes + at % (sizeof(ring::EventRing) + sizeof(ring::FileCallTable) + sizeof shared->known.index - 8),
                data + 8, 8);
    for (int i = 0; i < 4 && reader.pop(record); ++i) OOMCAST_CHECK(record.frame_count <= ring::kFramesMax);
    if (reader.stuck()) reader.skip_one();
    ring::FileTime::read(shared->files, static_cast<uint32_t>(at), at);
    known.set(at & ~uint64_t{4095}, (at & ~uint64_t{4095}) + 8192, (at & 1) != 0);
    static_cast<void>(shared->known.contains(at));
  }
  static_cast<void>(reader.lost());
  return 0;
}
