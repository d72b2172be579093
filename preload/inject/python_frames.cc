// Reads the CPython interpreter's chain of frames in the thread that runs it, as debuggers do.
//
// A thread that allocates in Python code holds the GIL, so no other thread changes its frames meanwhile. A thread
// without the GIL may get another thread's state, which contains that thread's id. The only function of CPython called
// while sampling returns the state. Each address is probed before it is read.
#include "preload/inject/python_frames.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>

#include <cstddef>

#include "preload/inject/agent.h"
#include "preload/ring/event_ring.h"
#include "preload/ring/python_words.h"

namespace oomcast::inject {
namespace {

constexpr uint8_t kFirstWithoutFrameObjects = 11, kFirstWithDirectFrame = 13;
constexpr uint32_t kLeafFrames = 20, kRootFrames = 6;  // frames of C kept at both ends if there are too many frames
constexpr int kStepsMax = 4096;                        // an overwritten chain may have no end

/// Byte offsets in CPython's structs, by version.
struct Layout {
  uint16_t thread_chain;  // in PyThreadState: frame, cframe or current_frame
  uint16_t chain_frame;   // in _PyCFrame: current_frame
  uint16_t thread_id;     // in PyThreadState
  uint16_t frame_code, frame_previous, frame_instruction,
      frame_owner;      // in PyFrameObject or _PyInterpreterFrame; owner 0: there is none
  uint16_t code_bytes;  // in PyCodeObject: co_code_adaptive
};

constexpr Layout kLayouts[] = {
    {24, 0, 176, 32, 24, 104, 0, 0},   // 3.8
    {24, 0, 176, 32, 24, 104, 0, 0},   // 3.9
    {24, 0, 176, 32, 24, 96, 0, 0},    // 3.10
    {56, 8, 152, 32, 48, 56, 0, 184},  // 3.11
    {56, 0, 136, 0, 8, 56, 70, 192},   // 3.12
    {72, 0, 152, 0, 8, 56, 70, 200},   // 3.13
};
static_assert(sizeof kLayouts / sizeof kLayouts[0] == ring::kPythonMinors);
constexpr uint8_t kOwnedByCStack = 3;  // FRAME_OWNED_BY_CSTACK since 3.12: the entry of a call from C, no function

using CurrentState = const void* (*)();
CurrentState current_state = nullptr;
const Layout* layout = nullptr;
uint8_t minor_version = 0;
uintptr_t code_type = 0;                 // PyCode_Type
uintptr_t loop_start = 0, loop_end = 0;  // _PyEval_EvalFrameDefault

/// Reads the guest's memory, and probes each page before its first read in a row.
class Reader {
 public:
  template <class T>
  bool read(uintptr_t address, T* out) {
    if (address == 0 || address % alignof(T) != 0) return false;
    if (address >> 12 != page_ && !is_readable(reinterpret_cast<const void*>(address))) return false;
    page_ = address >> 12;
    *out = *reinterpret_cast<const T*>(address);
    return true;
  }

 private:
  uintptr_t page_ = UINTPTR_MAX;
};

/// Minor version in "3.11.2 (main, ...)", here 11. 0: not a version that is known here.
uint8_t minor_of(const char* version) {
  if (version == nullptr || version[0] != '3' || version[1] != '.') return 0;
  unsigned minor = 0;
  for (const char* at = version + 2; *at >= '0' && *at <= '9' && minor < 100; ++at)
    minor = minor * 10 + static_cast<unsigned>(*at - '0');
  return minor >= ring::kOldestPythonMinor && minor - ring::kOldestPythonMinor < ring::kPythonMinors
             ? static_cast<uint8_t>(minor)
             : 0;
}

void* symbol(const char* name) {
  void* const found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) dlerror();
  return found;
}

uintptr_t first_frame(Reader& reader) {
  const auto state = reinterpret_cast<uintptr_t>(current_state());
  uintptr_t thread = 0, frame = 0;
  if (!reader.read(state + layout->thread_id, &thread) || thread != pthread_self()) return 0;
  if (!reader.read(state + layout->thread_chain, &frame)) return 0;
  const bool through_c = minor_version >= kFirstWithoutFrameObjects && minor_version < kFirstWithDirectFrame;
  if (through_c && !reader.read(frame + layout->chain_frame, &frame)) return 0;
  return frame;
}

/// Index of the frame's instruction in code units of 2 bytes.
uint64_t unit_of(Reader& reader, uintptr_t frame, uintptr_t code) {
  uintptr_t instruction = 0;
  if (minor_version < kFirstWithoutFrameObjects || !reader.read(frame + layout->frame_instruction, &instruction))
    return ring::kPythonUnknownUnit;
  const uintptr_t start = code + layout->code_bytes;
  return instruction >= start ? (instruction - start) / 2 : 0;  // before the start: the function has not begun
}

bool is_entry_from_c(Reader& reader, uintptr_t frame) {
  uint8_t owner = 0;
  return layout->frame_owner != 0 && reader.read(frame + layout->frame_owner, &owner) && owner == kOwnedByCStack;
}

/// Writes words for at most `most` frames of this thread, innermost first, and returns their number.
uint32_t python_frames(uint64_t* out, uint32_t most) {
  Reader reader;
  uint32_t count = 0;
  uintptr_t frame = first_frame(reader);
  for (int step = 0; frame != 0 && count < most && step < kStepsMax; ++step) {
    uintptr_t code = 0, previous = 0;
    if (!reader.read(frame + layout->frame_previous, &previous) || !reader.read(frame + layout->frame_code, &code))
      break;
    if (!is_entry_from_c(reader, frame) && code >> ring::kPythonUnitShift == 0 && code != 0)
      out[count++] = ring::python_frame_word(code, unit_of(reader, frame, code));
    frame = previous;
  }
  return count;
}

bool in_loop(uint64_t counter) { return counter >= loop_start && counter < loop_end; }

}  // namespace

void find_python() {
  void* state = symbol("PyThreadState_GetUnchecked");                   // since 3.13
  if (state == nullptr) state = symbol("_PyThreadState_UncheckedGet");  // until 3.12
  if (state == nullptr) return;                                         // no Python, as in most programs
  auto* const version = reinterpret_cast<const char* (*)()>(symbol("Py_GetVersion"));
  void* const loop = symbol("_PyEval_EvalFrameDefault");
  code_type = reinterpret_cast<uintptr_t>(symbol("PyCode_Type"));
  if (version == nullptr || loop == nullptr || code_type == 0 || (code_type & ring::kPythonMinorMask) != 0) return;
  const ElfW(Sym)* size = nullptr;
  Dl_info info;
  minor_version = minor_of(version());
  if (minor_version == 0 ||
      dladdr1(loop, &info, reinterpret_cast<void**>(const_cast<ElfW(Sym)**>(&size)), RTLD_DL_SYMENT) == 0 ||
      size == nullptr)
    return;
  loop_start = reinterpret_cast<uintptr_t>(loop);
  loop_end = loop_start + size->st_size;
  layout = &kLayouts[minor_version - ring::kOldestPythonMinor];
  current_state = reinterpret_cast<CurrentState>(state);
}

uint32_t weave_python_frames(uint64_t* frames, uint32_t count) {
  if (current_state == nullptr || count == 0) return count;
  uint32_t first = 0, last = count;
  while (first < count && !in_loop(frames[first])) ++first;
  if (first == count) return count;  // no Python on this stack, or its loop is too deep for the sample
  while (!in_loop(frames[last - 1])) --last;
  uint64_t woven[ring::kFramesMax];
  uint32_t n = 0;
  const uint32_t leaf = first < kLeafFrames ? first : kLeafFrames;
  const uint32_t root = count - last < kRootFrames ? count - last : kRootFrames;
  for (uint32_t i = 0; i < leaf; ++i) woven[n++] = frames[i];
  woven[n++] = ring::python_version_word(minor_version, code_type);
  const uint32_t found = python_frames(woven + n, ring::kFramesMax - n - root);
  if (found == 0) return count;
  n += found;
  for (uint32_t i = 0; i < root; ++i) woven[n++] = frames[last + i];
  for (uint32_t i = 0; i < n; ++i) frames[i] = woven[i];
  return n;
}

}  // namespace oomcast::inject
