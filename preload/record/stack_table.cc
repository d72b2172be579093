// Whose code was it? Names come from the modules' own tables through libdw, after the run, off everybody's path.
#include "preload/record/stack_table.h"

#include <cxxabi.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace oomcast::record {
namespace {

constexpr size_t kStacksMax = 100'000;

std::string base_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string demangled(const char* name) {
  int status = -1;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : std::string(name);
}

/// One ELF file opened for look-ups by file offset.
class Module {
 public:
  explicit Module(const std::string& path) : path_(path) {
    static char* debug_path = nullptr;
    static const Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, dwfl_standard_find_debuginfo, dwfl_offline_section_address, &debug_path};
    dwfl_ = dwfl_begin(&callbacks);
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    module_ = dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), -1, 0, true);
    dwfl_report_end(dwfl_, nullptr, nullptr);
  }
  ~Module() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  std::string name(uint64_t file_offset) {
    char plain[64];
    std::snprintf(plain, sizeof plain, "+0x%" PRIx64, file_offset);
    std::string text = base_name(path_) + plain;
    uint64_t address = 0;
    if (module_ == nullptr || !address_of(file_offset, &address)) return text;
    if (address > 0) --address;
    const char* function = function_at(address);
    if (function == nullptr) return text;
    text = demangled(function);
    if (is_c_library_) return text + " in " + base_name(path_);
    int line = 0;
    if (Dwfl_Line* found = dwfl_module_getsrc(module_, address); found != nullptr)
      if (const char* file = dwfl_lineinfo(found, nullptr, &line, nullptr, nullptr, nullptr); file != nullptr && line > 0)
        return text + " at " + base_name(file) + ":" + std::to_string(line);
    return text + " in " + base_name(path_);
  }

 private:
  struct Function {
    uint64_t start, end;
    int rank;  // of several names for one place the more public one
    const char* name;
  };

  /// dwfl_module_addrinfo() goes through all symbols for each address: seconds for a program like node.
  const char* function_at(uint64_t address) {
    if (!sorted_) read_functions();
    auto at = std::upper_bound(functions_.begin(), functions_.end(), address, [](uint64_t value, const Function& f) { return value < f.start; });
    if (at == functions_.begin()) return nullptr;
    const uint64_t start = std::prev(at)->start;
    // The first of those that begin there.
    at = std::lower_bound(functions_.begin(), at, start, [](const Function& f, uint64_t value) { return f.start < value; });
    for (; at != functions_.end() && at->start == start; ++at)
      if (address < at->end) return at->name;
    return nullptr;
  }

  void read_functions() {
    sorted_ = true;
    const int count = dwfl_module_getsymtab(module_);
    for (int i = 1; i < count; ++i) {
      GElf_Sym symbol;
      GElf_Addr start = 0;
      GElf_Word section = 0;
      const char* name = dwfl_module_getsym_info(module_, i, &symbol, &start, &section, nullptr, nullptr);
      const int type = GELF_ST_TYPE(symbol.st_info), binding = GELF_ST_BIND(symbol.st_info);
      if (name == nullptr || *name == '\0' || section == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)) continue;
      functions_.push_back({start, start + std::max<uint64_t>(symbol.st_size, 1), binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2, name});
    }
    std::stable_sort(functions_.begin(), functions_.end(), [](const Function& a, const Function& b) { return a.start != b.start ? a.start < b.start : a.rank < b.rank; });
  }

  bool address_of(uint64_t file_offset, uint64_t* address) {
    GElf_Addr bias = 0;
    Elf* elf = dwfl_module_getelf(module_, &bias);
    size_t count = 0;
    if (elf == nullptr || elf_getphdrnum(elf, &count) != 0) return false;
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr header;
      if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD) continue;
      if (file_offset >= header.p_offset && file_offset < header.p_offset + header.p_filesz) {
        *address = file_offset - header.p_offset + header.p_vaddr + bias;
        return true;
      }
    }
    return false;
  }

  std::string path_;
  // Its names say it all, and its lines cost 40 ms in each run: Debian's libc6-dbg is compressed.
  const bool is_c_library_ = base_name(path_).starts_with("libc.so") || base_name(path_).starts_with("ld-linux");
  Dwfl* dwfl_ = nullptr;
  Dwfl_Module* module_ = nullptr;
  bool sorted_ = false;
  std::vector<Function> functions_;
};

}  // namespace

uint32_t StackTable::intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps) {
  std::vector<Frame> frames;
  frames.reserve(counters.size());
  for (const uint64_t counter : counters) {
    if (counter == 0) break;
    Frame frame{0, counter};
    const auto at = std::upper_bound(maps.begin(), maps.end(), counter, [](uint64_t value, const Vma& vma) { return value < vma.end; });
    if (at != maps.end() && counter >= at->start && !at->name.empty() && at->name[0] == '/') {
      auto [number, fresh] = module_numbers_.try_emplace(at->name, static_cast<uint32_t>(modules_.size()));
      if (fresh) modules_.push_back(at->name);
      frame = {number->second, counter - at->start + at->file_offset};
    }
    frames.push_back(frame);
  }
  if (frames.empty()) return 0;
  if (const auto at = numbers_.find(frames); at != numbers_.end()) return at->second;
  if (stacks_.size() >= kStacksMax) return 0;
  stacks_.push_back(frames);
  const auto number = static_cast<uint32_t>(stacks_.size());
  numbers_.emplace(std::move(frames), number);
  return number;
}

std::vector<std::vector<std::string>> StackTable::resolve() const {
  std::map<uint32_t, std::unique_ptr<Module>> modules;
  std::map<Frame, std::string> names;
  std::vector<std::vector<std::string>> out;
  for (const std::vector<Frame>& stack : stacks_) {
    std::vector<std::string>& texts = out.emplace_back();
    for (const Frame& frame : stack) {
      // All are return addresses, the innermost too (the call into the hook): the call is one byte before.
      std::string& name = names[frame];
      if (name.empty()) {
        if (frame.module == 0) {
          char plain[32];
          std::snprintf(plain, sizeof plain, "0x%" PRIx64, frame.offset);
          name = plain;
        } else {
          auto& module = modules[frame.module];
          if (!module) module = std::make_unique<Module>(modules_[frame.module]);
          name = module->name(frame.offset);
        }
      }
      texts.push_back(name);
    }
  }
  return out;
}

}  // namespace oomcast::record
