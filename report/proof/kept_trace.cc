// Keeps the recording of a run. See kept_trace.h.
#include "report/proof/kept_trace.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "report/whole_file.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

/// Not /tmp, which is often a tmpfs: the file would take the memory that it should spare.
std::string temporary_place() {
  const char* named = std::getenv("TMPDIR");
  return named && *named ? named : "/var/tmp";
}

/// Opens a file without a name: no other process sees it, and it vanishes with this process.
int open_nameless(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string path = directory + "/oomcast.XXXXXX";  // for file systems without O_TMPFILE
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

KeptTrace::KeptTrace(size_t most_in_memory, size_t most_in_all)
    : most_in_memory_(most_in_memory), most_in_all_(most_in_all) {}

KeptTrace::~KeptTrace() {
  if (mapped_) ::munmap(mapped_, size_);
  if (fd_ >= 0) ::close(fd_);
}

bool KeptTrace::give_up(const std::string& why) {
  problem_ = why;
  in_memory_ = {};
  if (fd_ >= 0) ::close(fd_);  // frees its room on the disk
  fd_ = -1;
  return false;
}

bool KeptTrace::write(std::string_view bytes) {
  return write_all(fd_, bytes) || give_up("the recording could not be kept in " + temporary_place() + ": " +
                                          std::strerror(errno) + "; set TMPDIR to a place with more room");
}

bool KeptTrace::move_to_file() {
  fd_ = open_nameless(temporary_place());
  if (fd_ < 0)
    return give_up("the recording could not be kept in " + temporary_place() + ": " + std::strerror(errno) +
                   "; set TMPDIR to a writable place");
  if (!write(in_memory_)) return false;
  in_memory_ = {};
  return true;
}

bool KeptTrace::append(std::string_view block) {
  if (!problem_.empty()) return false;
  if (size_ + block.size() > most_in_all_)
    return give_up("the recording is larger than " + bytes_text(Bytes(static_cast<int64_t>(most_in_all_))) +
                   ", which is more than is kept; use --trace and 'oomcast replay'");
  if (fd_ < 0 && size_ + block.size() > most_in_memory_ && !move_to_file()) return false;
  size_ += block.size();
  if (fd_ >= 0) return write(block);
  in_memory_ += block;
  return true;
}

Result<std::string_view> KeptTrace::view() {
  if (!problem_.empty()) return Error{problem_};
  if (fd_ < 0) return std::string_view(in_memory_);
  if (!mapped_) {
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (at == MAP_FAILED) return Error{std::string("the recording cannot be read again: ") + std::strerror(errno)};
    mapped_ = at;
  }
  return std::string_view(static_cast<const char*>(mapped_), size_);
}

}  // namespace oomcast::report
