// Samples RssAnon + RssShmem of a process and its descendants every two milliseconds, until standard input ends, and
// prints the peak in bytes. The scripts compare it with the peak that oomcast has tracked. Where one process has nearly
// all, the kernel's own peak of that process (VmHWM) counts: it has no gaps between samples.
//
//   peak_rss PID [--descendants-only]
//
// Memory of oomcast's own that a guest maps (its ring) is left out, and so are the recorder's other processes.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr int kApartMs = 2;
constexpr uint64_t kPage = 4096;
constexpr uint64_t kOthersPart = 8;  // the kernel's word counts where all others together have less than that

std::string text_of(int fd) {
  std::string text;
  char buffer[65536];
  ssize_t got = 0;
  while ((got = pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0)
    text.append(buffer, static_cast<size_t>(got));
  return text;
}

std::string text_of(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text = text_of(fd);
  close(fd);
  return text;
}

uint64_t kib_behind(const std::string& text, const char* name, size_t from = 0) {
  const size_t at = text.find(name, from);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + std::strlen(name), nullptr, 10);
}

/// One process: what it has is read from statm, which is cheap; what of that is shared memory only when it has changed.
class Watched {
 public:
  explicit Watched(const std::string& folder)
      : folder_(folder), statm_(open((folder + "/statm").c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Watched() { close(statm_); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  uint64_t bytes() {
    uint64_t resident = 0, shared = 0;
    if (std::sscanf(text_of(statm_).c_str(), "%*u %lu %lu", &resident, &shared) != 2) return 0;
    if (shared != shared_pages_) shared_bytes_ = shared_memory();
    shared_pages_ = shared;
    most_shared_pages_ = std::max(most_shared_pages_, shared);
    return (resident - std::min(resident, shared)) * kPage + shared_bytes_;
  }

  /// The most that it has had at once, less the most that was of files at any time: those count too, and may have gone.
  uint64_t most_bytes() const {
    const uint64_t most = kib_behind(text_of(folder_ + "/status"), "VmHWM:") << 10;
    return most - std::min(most, most_shared_pages_ * kPage) + shared_bytes_;
  }

 private:
  uint64_t shared_memory() const {
    const uint64_t bytes = kib_behind(text_of(folder_ + "/status"), "RssShmem:") << 10,
                   ring = bytes == 0 ? 0 : ring_bytes();
    return bytes - std::min(bytes, ring);
  }

  uint64_t ring_bytes() const {
    const std::string maps = text_of(folder_ + "/smaps");
    uint64_t bytes = 0;
    for (size_t at = 0; (at = maps.find("/memfd:oomcast-", at)) != std::string::npos; ++at)
      bytes += kib_behind(maps, "\nRss:", at) << 10;
    return bytes;
  }

  std::string folder_;
  int statm_;
  uint64_t shared_pages_ = 0, most_shared_pages_ = 0, shared_bytes_ = 0;
};

/// The recorder's own processes beside it: its "oomcast-..." ones, and the stash's helper, whose memory is the guest's.
bool is_recorders(int pid) {
  const std::string name = text_of("/proc/" + std::to_string(pid) + "/comm");
  return name.starts_with("oomcast-") || name == "page-stash\n";
}

/// Those whose first thread has started them, and theirs; the programs that are measured fork in their first thread.
void add_descendants(int pid, std::vector<int>* out) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  const std::string children = text_of(folder + "/children");
  for (const char* at = children.c_str(); *at != '\0';) {
    char* end = nullptr;
    const long child = std::strtol(at, &end, 10);
    if (end == at) return;
    if (!is_recorders(static_cast<int>(child))) out->push_back(static_cast<int>(child));
    add_descendants(static_cast<int>(child), out);
    at = *end == ' ' ? end + 1 : end;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: peak_rss PID [--descendants-only]\n", stderr), 2;
  const int root = std::atoi(argv[1]);
  const bool with_root = argc < 3;
  // Otherwise the next sample on a busy machine would come when the scheduler gets to it.
  const sched_param first{1};
  sched_setscheduler(0, SCHED_FIFO, &first);
  std::map<int, Watched> watched;
  uint64_t peak = 0;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (poll(&input, 1, kApartMs) == 0) {
    std::vector<int> pids;
    if (with_root) pids.push_back(root);
    add_descendants(root, &pids);
    uint64_t bytes = 0, largest_bytes = 0;
    const Watched* largest = nullptr;
    for (const int pid : pids) {
      Watched& process = watched.try_emplace(pid, "/proc/" + std::to_string(pid)).first->second;
      const uint64_t now = process.bytes();
      bytes += now;
      if (now > largest_bytes) largest = &process, largest_bytes = now;
    }
    if (largest != nullptr && bytes - largest_bytes < bytes / kOthersPart)
      peak = std::max(peak, largest->most_bytes() + bytes - largest_bytes);
    peak = std::max(peak, bytes);
    std::erase_if(
        watched, [&pids](const auto& entry) { return std::find(pids.begin(), pids.end(), entry.first) == pids.end(); });
  }
  std::printf("%lu\n", peak);
}
