// Receives notices of a process's mappings from perf events.
#include "preload/record/kernel/mapping_notices.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kDataBytes = 4 * kPage;  // room for 300 records; must be a power of two of pages
constexpr uint64_t kBufferBytes = kPage + kDataBytes;
constexpr size_t kListenersMost = 256;

/// A dummy event that counts nothing and records mappings. An inherited event must be bound to one CPU.
perf_event_attr attributes() {
  perf_event_attr wanted{};
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_SOFTWARE;
  wanted.config = PERF_COUNT_SW_DUMMY;
  wanted.exclude_kernel = wanted.exclude_hv = 1;
  wanted.mmap = wanted.mmap_data = 1;
  wanted.inherit = wanted.inherit_thread = 1;
  wanted.watermark = 1;
  wanted.wakeup_watermark = 1;
  return wanted;
}

struct MappingRecord {
  perf_event_header header;
  uint32_t pid, tid;
  uint64_t start, bytes;
};

}  // namespace

MappingNotices::MappingNotices(uint32_t pid) {
  const std::vector<uint32_t> threads = numbers_in_directory(proc_of(pid) + "task");
  const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  if (cpus <= 0 || threads.size() * static_cast<size_t>(cpus) > kListenersMost) return;
  perf_event_attr wanted = attributes();
  for (const uint32_t tid : threads)
    for (long cpu = 0; cpu < cpus; ++cpu) {
      UniqueFd event(static_cast<int>(::syscall(SYS_perf_event_open, &wanted, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
      if (!event && (errno == ESRCH || errno == ENODEV)) continue;  // the thread has ended; the CPU is offline
      Buffer buffer(event.get());
      if (!buffer.valid()) {
        listeners_.clear();
        return;
      }
      listeners_.push_back({std::move(event), std::move(buffer)});
    }
}

/// take_ended() polls, and a poll takes the readiness from a perf event. So it goes first: a record that comes after
/// the poll makes the descriptor ready again, one that came before is read now.
MappingNotices::News MappingNotices::take() {
  News news;
  news.ended = take_ended();
  for (Listener& listener : listeners_) listener.buffer.take(&news);
  return news;
}

std::vector<int> MappingNotices::take_ended() {
  std::vector<pollfd> states;
  for (const Listener& listener : listeners_) states.push_back({listener.ended ? -1 : listener.event.get(), POLLIN, 0});
  std::vector<int> ended;
  if (::poll(states.data(), states.size(), 0) <= 0) return ended;
  for (size_t i = 0; i < states.size(); ++i)
    if ((states[i].revents & (POLLHUP | POLLERR)) != 0) {
      listeners_[i].ended = true;
      ended.push_back(states[i].fd);
    }
  return ended;
}

MappingNotices::Buffer::Buffer(int event)
    : start_(event < 0 ? MAP_FAILED : ::mmap(nullptr, kBufferBytes, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0)) {
  if (start_ == MAP_FAILED) start_ = nullptr;
}

MappingNotices::Buffer::~Buffer() {
  if (start_ != nullptr) ::munmap(start_, kBufferBytes);
}

/// Copies out of the ring buffer, which wraps around.
void MappingNotices::Buffer::copy(uint64_t from, void* to, size_t bytes) const {
  const char* const data = static_cast<const char*>(start_) + kPage;
  for (size_t done = 0; done < bytes;) {
    const uint64_t at = (from + done) % kDataBytes;
    const size_t part = std::min<size_t>(bytes - done, kDataBytes - at);
    std::copy_n(data + at, part, static_cast<char*>(to) + done);
    done += part;
  }
}

void MappingNotices::Buffer::take(News* out) {
  auto* const page = static_cast<perf_event_mmap_page*>(start_);
  const uint64_t head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
  uint64_t at = page->data_tail;
  while (head - at >= sizeof(perf_event_header)) {
    MappingRecord record{};
    copy(at, &record.header, sizeof record.header);
    if (record.header.size < sizeof record.header) break;
    if (record.header.type == PERF_RECORD_LOST) out->lost = true;
    if (record.header.type == PERF_RECORD_MMAP && record.header.size >= sizeof record) {
      copy(at, &record, sizeof record);
      out->mapped.emplace_back(page_down(record.start), page_up(record.start + record.bytes));
    }
    at += record.header.size;
  }
  std::atomic_ref(page->data_tail).store(at, std::memory_order_release);
}

}  // namespace oomcast::record
