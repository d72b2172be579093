// What are the functions at this place of this file called? libdw reads the module's own tables, or those of its debug package.
#include "preload/record/symbolizer.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <mimalloc.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace oomcast::record {
namespace {

constexpr std::chrono::milliseconds kIdle(500);
constexpr size_t kUnitsKept = 2;

std::string base_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string demangled(const char* name) {
  int status = -1;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : std::string(name);
}

/// mimalloc would keep what `close` frees in pieces of many pages: this much of it, at this moment, goes back to the kernel.
template <class Close>
void give_back(Close close) {
  const long delay = mi_option_get(mi_option_decommit_delay);
  mi_option_set(mi_option_decommit_delay, 0);
  close();
  mi_collect(true);
  mi_option_set(mi_option_decommit_delay, delay);
}

/// One ELF file as libdw knows it. Keeps all that it has unpacked until it is closed.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) {
    static char* debug_path = nullptr;
    static const Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, dwfl_standard_find_debuginfo, dwfl_offline_section_address, &debug_path};
    dwfl_ = dwfl_begin(&callbacks);
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    module_ = dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), -1, 0, true);
    dwfl_report_end(dwfl_, nullptr, nullptr);
  }
  ~OpenFile() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  Dwfl_Module* module() const { return module_; }

 private:
  Dwfl* dwfl_ = nullptr;
  Dwfl_Module* module_ = nullptr;
};

/// One ELF file opened for look-ups by file offset.
class Module {
 public:
  explicit Module(const std::string& path) : path_(path), file_(path), module_(file_.module()) {}

  /// The functions at this place of the file, innermost first: those that the compiler has put inline, then the one of
  /// the symbol table.
  std::vector<std::string> names(uint64_t file_offset) {
    char plain[64];
    std::snprintf(plain, sizeof plain, "+0x%" PRIx64, file_offset);
    uint64_t address = 0;
    if (module_ == nullptr || !address_of(file_offset, &address)) return {base_name(path_) + plain};
    // A return address, the innermost too (of the call into the hook): the call is one byte before.
    if (address > 0) --address;
    const char* function = function_at(address);
    if (function == nullptr) return {base_name(path_) + plain};
    std::string place = is_c_library_ ? std::string() : source_of(address);
    std::vector<std::string> names;
    add_inlined(address, &place, &names);
    names.push_back(demangled(function) + (place.empty() ? " in " + base_name(path_) : " at " + place));
    return names;
  }

 private:
  struct Function {
    uint64_t start, end;
    int rank;  // of several names for one place the more public one
    const char* name;
  };

  /// "file:line", or nothing.
  std::string source_of(uint64_t address) {
    int line = 0;
    Dwfl_Line* found = dwfl_module_getsrc(lines_for(address), address);
    const char* file = found == nullptr ? nullptr : dwfl_lineinfo(found, nullptr, &line, nullptr, nullptr, nullptr);
    return file != nullptr && line > 0 ? base_name(file) + ":" + std::to_string(line) : std::string();
  }

  /// The lines of one unit take half a MiB to 4 MiB once they are unpacked, a Python's have 150: the file is opened anew, which
  /// costs next to nothing, before a third is unpacked.
  Dwfl_Module* lines_for(uint64_t address) {
    if (!lines_) lines_ = std::make_unique<OpenFile>(path_);
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = dwfl_module_addrdie(lines_->module(), address, &bias);
    const Dwarf_Off offset = unit == nullptr ? 0 : dwarf_dieoffset(unit);
    if (unit == nullptr || std::find(units_.begin(), units_.end(), offset) != units_.end()) return lines_->module();
    if (units_.size() >= kUnitsKept) {
      give_back([this] { lines_ = nullptr; });
      lines_ = std::make_unique<OpenFile>(path_);
      units_.clear();
    }
    units_.push_back(offset);
    return lines_->module();
  }

  /// Names the inlined calls that the address lies in, and moves `place` to where the outermost of them was made.
  void add_inlined(uint64_t address, std::string* place, std::vector<std::string>* names) {
    if (place->empty()) return;  // no debug information
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(lines_->module(), address, &bias);
    Dwarf_Die* scopes = nullptr;
    const int count = unit == nullptr ? 0 : dwarf_getscopes(unit, address - bias, &scopes);
    for (int i = 0; i < count && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; ++i) {
      if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine) continue;
      if (const std::string name = name_of(&scopes[i]); !name.empty()) names->push_back(name + " at " + *place + " (inlined)");
      *place = call_of(unit, &scopes[i]);
    }
    std::free(scopes);
  }

  static std::string name_of(Dwarf_Die* scope) {
    Dwarf_Attribute attribute;
    for (const unsigned at : {DW_AT_linkage_name, DW_AT_name})
      if (dwarf_attr_integrate(scope, at, &attribute) != nullptr)
        if (const char* name = dwarf_formstring(&attribute); name != nullptr) return demangled(name);
    return {};
  }

  static std::string call_of(Dwarf_Die* unit, Dwarf_Die* scope) {
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files* files = nullptr;
    size_t count = 0;
    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attribute), &file) != 0 || dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attribute), &line) != 0 ||
        dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
      return {};
    const char* const name = dwarf_filesrc(files, file, nullptr, nullptr);
    return name == nullptr ? std::string() : base_name(name) + ":" + std::to_string(line);
  }

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
  OpenFile file_;  // for its symbols
  Dwfl_Module* module_ = nullptr;
  std::unique_ptr<OpenFile> lines_;
  std::vector<Dwarf_Off> units_;  // unpacked by `lines_`
  bool sorted_ = false;
  std::vector<Function> functions_;
};

}  // namespace

void Symbolizer::want(const std::string& path, uint64_t file_offset) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = names_.try_emplace({path, file_offset});
  if (!fresh) return;
  wanted_.push_back(at);
  if (!thread_.joinable()) thread_ = std::thread([this] { look_up(); });
  changed_.notify_one();
}

void Symbolizer::look_up() {
  std::map<std::string, std::unique_ptr<Module>> modules;
  std::unique_lock lock(mutex_);
  for (;;) {
    // What has been unpacked is given back once no new places come: it is larger than all the rest that we keep.
    while (!changed_.wait_for(lock, kIdle, [this] { return !wanted_.empty() || finishing_; })) {
      if (modules.empty()) continue;
      give_back([&modules] { modules.clear(); });
    }
    if (wanted_.empty()) return;
    std::vector<std::map<Place, std::vector<std::string>>::iterator> places = std::move(wanted_);
    wanted_.clear();
    lock.unlock();
    // By file and place: those of one unit together.
    std::sort(places.begin(), places.end(), [](const auto& one, const auto& other) { return one->first < other->first; });
    for (const auto& at : places) {
      auto& module = modules[at->first.first];
      if (!module) module = std::make_unique<Module>(at->first.first);
      at->second = module->names(at->first.second);
    }
    lock.lock();
  }
}

void Symbolizer::finish() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_one();
  thread_.join();
  finishing_ = false;
}

const std::vector<std::string>& Symbolizer::names(const std::string& path, uint64_t file_offset) const {
  return names_.at({path, file_offset});
}

}  // namespace oomcast::record
