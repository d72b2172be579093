// Switches to a stack of the library and back.
#include "preload/inject/own_stack.h"

#include <stddef.h>

#include <atomic>

extern "C" __attribute__((visibility("hidden"))) void oomcast_call_on_stack(void (*work)(void*), void* data, void* top);

// The frame pointer leads back to the caller's stack, and the CFI says so to unwinders.
#if defined(__x86_64__)
__asm__(
    ".text\n.balign 16\n.hidden oomcast_call_on_stack\n.globl oomcast_call_on_stack\n.type oomcast_call_on_stack, "
    "%function\n"
    "oomcast_call_on_stack:\n"
    " .cfi_startproc\n"
    " pushq %rbp\n .cfi_def_cfa_offset 16\n .cfi_offset %rbp, -16\n"
    " movq %rsp, %rbp\n .cfi_def_cfa_register %rbp\n"
    " movq %rdx, %rsp\n movq %rdi, %rax\n movq %rsi, %rdi\n"
    " call *%rax\n"
    " leave\n .cfi_def_cfa %rsp, 8\n"
    " ret\n"
    " .cfi_endproc\n.size oomcast_call_on_stack, .-oomcast_call_on_stack\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n.balign 16\n.hidden oomcast_call_on_stack\n.globl oomcast_call_on_stack\n.type oomcast_call_on_stack, "
    "%function\n"
    "oomcast_call_on_stack:\n"
    " .cfi_startproc\n"
    " stp x29, x30, [sp, #-16]!\n .cfi_def_cfa_offset 16\n .cfi_offset 29, -16\n .cfi_offset 30, -8\n"
    " mov x29, sp\n .cfi_def_cfa 29, 16\n"
    " mov sp, x2\n mov x9, x0\n mov x0, x1\n"
    " blr x9\n"
    " mov sp, x29\n ldp x29, x30, [sp], #16\n .cfi_def_cfa sp, 0\n .cfi_restore 29\n .cfi_restore 30\n"
    " ret\n"
    " .cfi_endproc\n.size oomcast_call_on_stack, .-oomcast_call_on_stack\n");
#endif

namespace oomcast::inject {
namespace {

constexpr size_t kStacks = 4, kStackBytes = 64 << 10;
// Zero pages that need no memory until they are used.
alignas(4096) char stacks[kStacks][kStackBytes];
std::atomic<bool> taken[kStacks];

}  // namespace

bool run_on_own_stack(void (*work)(void*), void* data) {
  for (size_t i = 0; i < kStacks; ++i) {
    if (taken[i].exchange(true, std::memory_order_acquire)) continue;
    oomcast_call_on_stack(work, data, stacks[i] + kStackBytes);
    taken[i].store(false, std::memory_order_release);
    return true;
  }
  return false;
}

bool free_stacks_of_other_threads() {
  bool any = false;
  for (std::atomic<bool>& one : taken) any |= one.exchange(false, std::memory_order_relaxed);
  return any;
}

}  // namespace oomcast::inject
