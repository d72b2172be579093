// ProcMemory: reads a process's memory through /proc/PID.
#include "preload/record/kernel/memory_view.h"

#include <errno.h>
#include <unistd.h>

#include "preload/record/kernel/living_thread.h"

namespace oomcast::record {

ProcMemory::ProcMemory(uint32_t pid) : pid_(pid) {
  follow(0);
  begin_address_space();
}

uint64_t ProcMemory::scan(ScanKind kind, uint64_t start, uint64_t end, const FoundRun& found) const {
  const int fd = pagemap_.get();
  switch (kind) {
    case ScanKind::kResident:
      return scan_resident(fd, start, end, found);
    case ScanKind::kAnonymous:
      return scan_anonymous(fd, start, end, found);
    case ScanKind::kShared:
      return scan_shared(fd, start, end, found);
    case ScanKind::kWritten:
      return scan_written(fd, start, end, found);
    case ScanKind::kZero:
      return scan_zero_pages(fd, start, end, found);
  }
  return start;
}

std::vector<uint64_t> ProcMemory::entries(uint64_t start, uint64_t pages) const {
  return read_pagemap(pagemap_.get(), start, pages);
}

size_t ProcMemory::read(uint64_t address, void* out, size_t bytes) const {
  ssize_t got;
  do got = ::pread(mem_.get(), out, bytes, static_cast<off_t>(address));
  while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

/// Descriptors of maps, pagemap and mem belong to one address space; those of statm and status to the process.
void ProcMemory::begin_address_space() {
  if (thread_ != 0) follow(0);
  for (ProcFile* file : {&maps_, &pagemap_, &mem_}) file->belong_to(pid_);
}

bool ProcMemory::lives() const {
  uint64_t entry;
  return pagemap_.get() < 0 || ::pread(pagemap_.get(), &entry, sizeof entry, 0) != 0;
}

void ProcMemory::follow(uint32_t tid) {
  thread_ = tid;
  statm_.belong_to(pid_, tid);
  status_.belong_to(pid_, tid);
}

bool ProcMemory::follow_living_thread() {
  const uint32_t tid = living_thread(pid_);
  if (tid == 0 || tid == thread_ || (tid == pid_ && thread_ == 0)) return false;
  follow(tid);
  // A file that has content was opened while the thread had memory: it stays valid.
  for (ProcFile* file : {&maps_, &pagemap_, &mem_})
    if (!file->has_content()) file->belong_to(pid_, tid);
  return true;
}

}  // namespace oomcast::record
