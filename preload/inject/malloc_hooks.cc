// Hooks the guest's allocations: the real function first, then a check of 1 to 2 ns. The check finds pages that the
// recorder does not know, a break that has moved, and allocations whose stack is due.
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <atomic>

#include "preload/inject/agent.h"
#include "preload/inject/clock.h"
#include "preload/inject/real_libc.h"

extern "C" {
extern void* __curbrk __attribute__((weak));
}

namespace oomcast::inject {
namespace {

/// Memory for the library itself: for dlopen() and libunwind. Null: this is a call of the guest, or the arena is full
/// and the real allocator has to serve.
inline void* own(size_t bytes, size_t alignment = 16) {
  return __builtin_expect(thread_state.bootstrap > 0, 0) ? bootstrap_allocate(bytes, alignment) : nullptr;
}

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

/// Marks that the guest's allocator is running and may hold its locks. Needed only for an allocator that may call
/// hooks.
struct InAllocator {
  InAllocator() {
    if (!libc_allocates) ++thread_state.in_allocator;
  }
  ~InAllocator() {
    if (!libc_allocates) --thread_state.in_allocator;
  }
};

/// glibc moves the break without passing a hook, so its own variable is compared.
inline bool break_moved() {
  return &__curbrk &&
         __builtin_expect(reinterpret_cast<uintptr_t>(__curbrk) != agent_known_break.load(std::memory_order_relaxed),
                          0);
}

inline void notice_fall() {
  if (&__curbrk &&
      __builtin_expect(reinterpret_cast<uintptr_t>(__curbrk) < agent_known_break.load(std::memory_order_relaxed), 0))
    after_break_moved();
}

inline bool is_touched(uintptr_t address, size_t bytes) {
  const ring::KnownPages& touched = agent_shared->touched;
  return touched.contains(address) &&
         (bytes <= 4096 || (touched.contains(address + bytes - 1) && touched.contains(address + bytes / 2)));
}

// Bytes. Smaller blocks are not scanned before they are freed: what is missed of them is missed of a peak.
constexpr size_t kLargeBytes = 1 << 20;
constexpr uint64_t kAsksApartNs = 500'000, kAsksPart = 20;  // 1/20 of the program's time at most
std::atomic<bool> has_large{false};                         // an allocation of kLargeBytes or more was made

/// Hashes of addresses where large blocks began. Most freed blocks are small, and need no malloc_usable_size().
std::atomic<uint8_t> large_blocks[4096];

inline std::atomic<uint8_t>& large_block(uintptr_t address) {
  return large_blocks[(address >> 4) * uint64_t{0x9e3779b97f4a7c15} >> 52];
}

/// In the polling phase: free() may unmap the block by libc's own munmap(), which passes no hook. So the recorder scans
/// the block first, unless it is known to be touched, or such a scan was made a moment ago.
void before_large_free(void* pointer) {
  static std::atomic<uint64_t> next_ask_ns{0};
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  if (large_block(address).load(std::memory_order_relaxed) == 0 || !tracking_now() || thread_state.inside > 0 ||
      thread_state.in_allocator > 0)
    return;
  const size_t bytes = real_libc_table.malloc_usable_size(pointer);
  if (bytes < kLargeBytes || bytes < agent_shared->ask_before_free_bytes.load(std::memory_order_relaxed)) return;
  if (is_touched(address, bytes)) return;
  const uint64_t now = clock_ns(CLOCK_MONOTONIC);
  if (now < next_ask_ns.load(std::memory_order_relaxed)) return;
  next_ask_ns.store(now + kAsksApartNs, std::memory_order_relaxed);
  agent_request(ring::RequestKind::kFreeing, address, bytes, ring::kMayStay, 0);
  const uint64_t answered = clock_ns(CLOCK_MONOTONIC);
  next_ask_ns.store(answered + std::max(kAsksApartNs, (answered - now) * kAsksPart), std::memory_order_relaxed);
}

constexpr size_t kLeastMappedBytes = 64 << 10;  // glibc takes smaller blocks from its heap

/// Whether the block may be a mapping of its own: glibc's begins 16 bytes behind the start of a page. Few others do.
inline bool may_be_mapping(void* pointer) { return (reinterpret_cast<uintptr_t>(pointer) & 0xfff) == 16; }

/// In the exact phase: free() may unmap the block without a hook, and the recorder learns of it later than the program
/// continues. So the pages are forgotten first.
void before_unmapping_free(void* pointer) {
  if (!libc_allocates || !tracking_now() || !asks_before_use() || thread_state.inside > 0) return;
  const size_t bytes = real_libc_table.malloc_usable_size(pointer);
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  if (bytes < kLeastMappedBytes) return;
  agent_shared->known.forget(address, address + bytes);
  agent_shared->touched.forget(address, address + bytes);
}

/// Checks a new block. False: the target refuses it and the guest has to fail (--on-refuse enomem).
bool may_keep(uintptr_t address, size_t bytes, const void* caller) {
  bool granted = true;
  if (bytes >= kLargeBytes) {
    large_block(address).store(1, std::memory_order_relaxed);
    has_large.store(true, std::memory_order_relaxed);
  }
  if (break_moved()) granted = after_break_moved();
  // Touched memory is known: it needs no report when it is allocated again.
  const bool touched = is_touched(address, bytes);
  const ring::KnownPages& known = agent_shared->known;
  // The recorder may not know yet of a free a moment ago, so known pages mean little for a large request: it is always
  // reported.
  const bool seems_known =
      bytes < ring::kFoundPieceBytes &&
      (touched || (known.contains(address) && (bytes <= 4096 || known.contains(address + bytes - 1))));
  if (!seems_known && asks_before_use(bytes)) granted &= after_allocation_slow(address, bytes);
  if (thread_state.sample_left <= 0) sample_stack(address, bytes, caller, touched);
  return granted;
}

[[gnu::noinline]] void* check_allocation(void* pointer, size_t bytes, bool can_be_refused, const void* caller) {
  if (!tracking_now()) return hello_may_wait(bytes), pointer;
  if (thread_state.inside > 0 || thread_state.in_allocator > 0 || pointer == nullptr) return pointer;
  if (may_keep(reinterpret_cast<uintptr_t>(pointer), bytes, caller) || !can_be_refused) return pointer;
  InAllocator in;
  real_libc_table.free(pointer);
  if (real_libc_table.malloc_trim != nullptr) real_libc_table.malloc_trim(0);  // gives back the break too
  notice_fall();
  errno = ENOMEM;
  return nullptr;
}

/// The check for every allocation. Each instruction here delays the guest's next step: a program that waits for its
/// memory is slowed down by several times as much. A realloc() cannot be refused, as the old block is gone. `caller`:
/// of the hook.
inline void* seen(void* pointer, size_t bytes, bool can_be_refused = true,
                  const void* caller = __builtin_return_address(0)) {
  const bool due = (thread_state.sample_left -= static_cast<int64_t>(bytes)) <= 0;
  if (__builtin_expect(tracking_now() && !due && bytes < kLargeBytes && !break_moved() && !asks_before_use(), 1))
    return pointer;
  return check_allocation(pointer, bytes, can_be_refused, caller);
}

/// `call` calls the guest's allocator; `caller`: of the hook.
template <class Call>
[[gnu::always_inline]] inline void* allocate(size_t bytes, bool can_be_refused, const void* caller, Call call) {
  const LargeRequest large(bytes);
  void* pointer;
  {
    InAllocator in;
    pointer = call();
  }
  return seen(pointer, bytes, can_be_refused, caller);
}

/// glibc's allocator is the real one, and the library itself is not the caller.
inline bool is_plain_call() { return __builtin_expect(libc_allocates && thread_state.inside == 0, 1); }

bool multiply_overflows(size_t a, size_t b, size_t* product) { return __builtin_mul_overflow(a, b, product); }

}  // namespace

[[gnu::noinline]] static void* malloc_carefully(size_t bytes, const void* caller) {
  if (!have_real_libc()) return bootstrap_allocate(bytes, 16);
  if (void* mine = own(bytes)) return mine;
  return allocate(bytes, true, caller, [=] { return real_libc_table.malloc(bytes); });
}

OOMCAST_EXPORT void* malloc(size_t bytes) {
  if (!is_plain_call() || __builtin_expect(bytes >= ring::kFoundPieceBytes, 0))
    return malloc_carefully(bytes, __builtin_return_address(0));
  return seen(real_libc_table.malloc(bytes), bytes);
}

/// This malloc(), whichever malloc() the symbol name resolves to.
extern "C" __attribute__((visibility("hidden"), alias("malloc"), nothrow)) void* oomcast_malloc(size_t bytes);

OOMCAST_EXPORT void* calloc(size_t count, size_t each) {
  size_t bytes = 0;
  if (!have_real_libc())
    return multiply_overflows(count, each, &bytes) ? nullptr : bootstrap_allocate(bytes, 16);  // the arena is zeroed
  if (void* mine = own(count * each)) return mine;
  return allocate(count * each, true, __builtin_return_address(0), [=] { return real_libc_table.calloc(count, each); });
}

[[gnu::noinline]] static void free_carefully(void* pointer) {
  if (pointer == nullptr || is_bootstrap(pointer) || !have_real_libc()) return;
  if (has_large.load(std::memory_order_relaxed)) before_large_free(pointer);
  if (may_be_mapping(pointer)) before_unmapping_free(pointer);
  {
    InAllocator in;
    real_libc_table.free(pointer);
  }
  notice_fall();
}

OOMCAST_EXPORT void free(void* pointer) {
  if (!is_plain_call() || is_bootstrap(pointer) || has_large.load(std::memory_order_relaxed) || may_be_mapping(pointer))
    return free_carefully(pointer);
  real_libc_table.free(pointer);
  notice_fall();
}

OOMCAST_EXPORT void cfree(void* pointer) { free(pointer); }
OOMCAST_EXPORT void free_sized(void* pointer, size_t) { free(pointer); }
OOMCAST_EXPORT void free_aligned_sized(void* pointer, size_t, size_t) { free(pointer); }

OOMCAST_EXPORT void* realloc(void* old, size_t bytes) {
  if (is_bootstrap(old) || !have_real_libc() || (old == nullptr && __builtin_expect(thread_state.bootstrap > 0, 0))) {
    void* moved = have_real_libc() ? malloc(bytes) : bootstrap_allocate(bytes, 16);
    if (moved != nullptr && old != nullptr) {
      const size_t had = bootstrap_size(old);
      memcpy(moved, old, had < bytes ? had : bytes);
    }
    return moved;
  }
  return allocate(bytes, old == nullptr, __builtin_return_address(0),
                  [=] { return real_libc_table.realloc(old, bytes); });
}

OOMCAST_EXPORT void* reallocarray(void* old, size_t count, size_t each) {
  size_t bytes = 0;
  if (multiply_overflows(count, each, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(old, bytes);
}

OOMCAST_EXPORT int posix_memalign(void** out, size_t alignment, size_t bytes) {
  if (!have_real_libc()) return (*out = bootstrap_allocate(bytes, alignment)) ? 0 : ENOMEM;
  void* pointer = nullptr;
  int result = 0;
  void* const kept = allocate(bytes, true, __builtin_return_address(0), [&] {
    return (result = real_libc_table.posix_memalign(&pointer, alignment, bytes)), pointer;
  });
  if (result != 0) return result;
  if (kept == nullptr && pointer != nullptr) return ENOMEM;
  *out = pointer;
  return 0;
}

OOMCAST_EXPORT void* aligned_alloc(size_t alignment, size_t bytes) {
  if (!have_real_libc()) return bootstrap_allocate(bytes, alignment);
  return allocate(bytes, true, __builtin_return_address(0),
                  [=] { return real_libc_table.aligned_alloc(alignment, bytes); });
}

OOMCAST_EXPORT void* memalign(size_t alignment, size_t bytes) {
  if (!have_real_libc()) return bootstrap_allocate(bytes, alignment);
  return allocate(bytes, true, __builtin_return_address(0), [=] { return real_libc_table.memalign(alignment, bytes); });
}

OOMCAST_EXPORT void* valloc(size_t bytes) {
  if (!have_real_libc()) return bootstrap_allocate(bytes, 4096);
  return allocate(bytes, true, __builtin_return_address(0), [=] { return real_libc_table.valloc(bytes); });
}

OOMCAST_EXPORT void* pvalloc(size_t bytes) {
  if (!have_real_libc()) return bootstrap_allocate((bytes + 4095) & ~size_t{4095}, 4096);
  return allocate(bytes, true, __builtin_return_address(0), [=] { return real_libc_table.pvalloc(bytes); });
}

OOMCAST_EXPORT size_t malloc_usable_size(void* pointer) {
  if (pointer == nullptr) return 0;
  if (is_bootstrap(pointer)) return bootstrap_size(pointer);
  return have_real_libc() ? real_libc_table.malloc_usable_size(pointer) : 0;
}

OOMCAST_EXPORT int malloc_trim(size_t pad) {
  if (!have_real_libc() || real_libc_table.malloc_trim == nullptr) return 0;
  int result;
  {
    InAllocator in;
    result = real_libc_table.malloc_trim(pad);
  }
  notice_fall();
  return result;
}

}  // namespace oomcast::inject
