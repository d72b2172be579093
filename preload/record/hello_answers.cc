// HelloAnswers: decides which guests are watched, and what each gets for an answer to its hello.
#include "preload/record/hello_answers.h"

#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/kernel/shared_address_space.h"
#include "preload/record/kernel/userfaultfd.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kScanAfterHelloNs = 3'000'000;  // after a hello, unless the process asks something before
constexpr int kMostGenerations = 32;

/// The process whose memory is to be watched.
uint32_t subject_of(const Hello& hello) {
  return (hello.request.flags & ring::kByHelper) != 0 ? parent_of(hello.pid).value_or(hello.pid) : hello.pid;
}

}  // namespace

void HelloAnswers::take(Hello hello) {
  if (hello.request.kind == ring::RequestKind::kHelloStash) return take_stash_helper(hello);
  const uint32_t pid = subject_of(hello);
  if (!is_watched(pid, hello.user)) return hellos_.reply(hello.connection, {ring::ReplyStatus::kStayOut});
  if (send_device(hello)) return;
  Process& process = life_.process_of_hello(pid, hello.request);
  process.life.known_by = KnownBy::kHello;
  process.life.memory_gone_ns = 0;
  const UniqueFd area = share_area(process);
  if (!area) return hellos_.reply(hello.connection, {ring::ReplyStatus::kStayOut});
  tracking_.start(process, std::move(hello.descriptors), hello.request);
  spdlog::info("process {} ({}) is watched by {}; {} of its pages were there already", pid, process.comm,
               tracker_name(process.tracker), process.pages.count(PageBit::kTouched));
  hellos_.reply(hello.connection, {ring::ReplyStatus::kTracked, !process.tracked_by_faults(), process.huge_pages_off},
                std::array{area.get(), questions_.doorbell().memory().get()});
  scan_soon(process);
}

bool HelloAnswers::is_watched(uint32_t pid, uint32_t user) const {
  if (user != ::geteuid() && !descends_from_guest(pid)) return false;
  if (!options_.follow_children && pid != processes_.root.pid) return false;
  return !processes_.root.ended || options_.wait_for_all;
}

/// By /proc, because a process of another user may claim any parent.
bool HelloAnswers::descends_from_guest(uint32_t pid) const {
  for (int generation = 0; generation < kMostGenerations && pid > 1; ++generation) {
    if (processes_.find(pid) != nullptr) return true;
    pid = parent_of(pid).value_or(0);
  }
  return false;
}

/// A guest that could open no userfaultfd, or only one for user mode, gets the device to try again with. False: it has
/// no need of the device, or there is none.
bool HelloAnswers::send_device(const Hello& hello) {
  const uint64_t flags = hello.request.flags;
  const bool serves = hello.descriptors.all && (flags & ring::kUserModeOnly) == 0;
  if (tracker_ != TrackerKind::kUserfaultfd || serves || (flags & ring::kTriedDevice) != 0) return false;
  const UniqueFd device = open_userfaultfd_device();
  if (!device) return false;
  hellos_.reply(hello.connection, {ring::ReplyStatus::kTakeDevice}, std::array{device.get()});
  return true;
}

/// Makes the shared area of the process. Returns the memory to be sent; invalid: there is none.
UniqueFd HelloAnswers::share_area(Process& process) const {
  UniqueFd area = sealed_memory(sizeof(ring::SharedArea));
  if (!area || !questions_.doorbell().valid()) return {};
  void* mapped = ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED, area.get(), 0);
  if (mapped == MAP_FAILED) return {};
  process.stash = {};
  process.shared = std::make_unique<SharedMapping>(mapped);
  return area;
}

void HelloAnswers::scan_soon(Process& process) {
  if (process.scans.begun) return;
  // The positions of its descriptors have to be known from the start.
  if (!process.files.use.begun) files_.scan(process);
  process.scans.next_ns = clocks_.now_ns() + kScanAfterHelloNs;
}

bool HelloAnswers::may_have_helper(const Process& process) {
  return process.stash.possible && process.stash.helper == nullptr && process.shared && process.tracked_by_faults();
}

/// The helper must be a child of the process and share its address space.
void HelloAnswers::take_stash_helper(const Hello& hello) {
  const uint32_t parent = parent_of(hello.pid).value_or(0);
  Process* const process = processes_.find(parent);
  UniqueFd socket = hellos_.keep(hello.connection);
  if (process == nullptr || !may_have_helper(*process) || !share_address_space(parent, hello.pid)) return;
  std::vector<int> channels{process->fault_fd.fd()};
  if (process->heap_fd.valid()) channels.push_back(process->heap_fd.fd());
  hellos_.reply(socket.get(), {ring::ReplyStatus::kTracked}, channels);
  ::setpriority(PRIO_PROCESS, hello.pid, -10);  // threads of the guest wait for it, as for us
  spdlog::info("process {} ({}) has a stash, held by {}", process->pid, process->comm, hello.pid);
  notes_.had_stash = true;
  Stash::begin(*process, std::make_unique<StashHelper>(std::move(socket), hello.pid, (*process->shared)->stash));
}

}  // namespace oomcast::record
