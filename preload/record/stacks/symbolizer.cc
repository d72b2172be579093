// Symbolizer: libdw reads the symbols and lines of the file, or of its separate debug file.
#include "preload/record/stacks/symbolizer.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>

#include "preload/record/stacks/debug_file.h"

namespace oomcast::record {
namespace {

constexpr size_t kUnitsKept = 4;

std::string base_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string demangled(const char* name) {
  int status = -1;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : std::string(name);
}

/// One ELF file opened in libdw. Its unpacked tables stay in memory until it is closed.
class OpenFile {
 public:
  /// `fd`: the file that the program had mapped; `path` may name another file by now.
  OpenFile(const std::string& path, int fd) {
    static char* debug_path = nullptr;
    static const Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, find_debug_file, dwfl_offline_section_address,
                                             &debug_path};
    dwfl_ = dwfl_begin(&callbacks);
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    const int own_fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    module_ = own_fd < 0 ? nullptr : dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), own_fd, 0, true);
    if (module_ == nullptr && own_fd >= 0) ::close(own_fd);
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

/// One ELF file, for look-ups by file offset.
class Module {
 public:
  Module(const std::string& path, int fd) : path_(path), fd_(fd), file_(path, fd), module_(file_.module()) {}

  /// Finds the symbol of the function at each of these offsets.
  void find_functions(std::span<const uint64_t> file_offsets) {
    for (const uint64_t offset : file_offsets) {
      uint64_t address = 0;
      // All are return addresses, also the innermost one, of the call of the hook. The call is one byte before.
      if (module_ != nullptr && address_of(offset, &address))
        found_.push_back({offset, address - std::min<uint64_t>(address, 1)});
    }
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.address < b.address; });
    look_through_symbols();
  }

  /// The functions at one of those offsets, innermost first: the inlined ones, then the function of the symbol table.
  std::vector<std::string> names(uint64_t file_offset) {
    char plain[64];
    std::snprintf(plain, sizeof plain, "+0x%" PRIx64, file_offset);
    const auto at = std::find_if(found_.begin(), found_.end(),
                                 [=](const Found& found) { return found.file_offset == file_offset; });
    const char* const function = at == found_.end() ? nullptr : at->function;
    if (function == nullptr) return {base_name(path_) + plain};
    const uint64_t address = at->address;
    std::string place = is_c_library_ ? std::string() : source_of(address);
    std::vector<std::string> names;
    add_inlined(address, &place, &names);
    names.push_back(demangled(function) + (place.empty() ? " in " + base_name(path_) : " at " + place));
    return names;
  }

 private:
  struct Found {
    uint64_t file_offset, address;
    uint64_t start = 0;  // address of the function
    int rank = 0;        // of several symbols for one address the lowest wins: global, weak, local
    const char* function = nullptr;
  };

  /// "file:line"; empty without debug information.
  std::string source_of(uint64_t address) {
    int line = 0;
    Dwfl_Line* found = dwfl_module_getsrc(lines_for(address), address);
    const char* file = found == nullptr ? nullptr : dwfl_lineinfo(found, nullptr, &line, nullptr, nullptr, nullptr);
    return file != nullptr && line > 0 ? base_name(file) + ":" + std::to_string(line) : std::string();
  }

  /// The module to ask for lines at this address. The lines of one compilation unit take 0.5 to 4 MiB once they are
  /// unpacked, and a python binary has 150 units. Therefore the file is closed and opened anew after kUnitsKept units,
  /// which costs next to nothing.
  Dwfl_Module* lines_for(uint64_t address) {
    if (!lines_) lines_ = std::make_unique<OpenFile>(path_, fd_);
    Dwarf_Addr bias = 0;
    Dwarf_Die* const unit = dwfl_module_addrdie(lines_->module(), address, &bias);
    const Dwarf_Off offset = unit == nullptr ? 0 : dwarf_dieoffset(unit);
    if (unit == nullptr || std::find(units_.begin(), units_.end(), offset) != units_.end()) return lines_->module();
    if (units_.size() >= kUnitsKept) {
      lines_ = nullptr;
      lines_ = std::make_unique<OpenFile>(path_, fd_);
      units_.clear();
    }
    units_.push_back(offset);
    return lines_->module();
  }

  /// Adds the inlined calls that contain the address, and moves `place` to where the outermost of them is called.
  void add_inlined(uint64_t address, std::string* place, std::vector<std::string>* names) {
    if (place->empty()) return;  // no debug information
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(lines_->module(), address, &bias);
    Dwarf_Die* scopes = nullptr;
    const int count = unit == nullptr ? 0 : dwarf_getscopes(unit, address - bias, &scopes);
    for (int i = 0; i < count && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; ++i) {
      if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine) continue;
      if (const std::string name = name_of(&scopes[i]); !name.empty())
        names->push_back(name + " at " + *place + " (inlined)");
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
    if (dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attribute), &file) != 0 ||
        dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attribute), &line) != 0 ||
        dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
      return {};
    const char* const name = dwarf_filesrc(files, file, nullptr, nullptr);
    return name == nullptr ? std::string() : base_name(name) + ":" + std::to_string(line);
  }

  /// Goes once through all symbols for all offsets. dwfl_module_addrinfo() goes through them for each address, which
  /// takes seconds for a program like node.
  void look_through_symbols() {
    if (found_.empty() || look_through_own_symbols()) return;
    const int count = dwfl_module_getsymtab(module_);
    for (int i = 1; i < count; ++i) {
      GElf_Sym symbol;
      GElf_Addr start = 0;
      GElf_Word section = 0;
      const char* name = dwfl_module_getsym_info(module_, i, &symbol, &start, &section, nullptr, nullptr);
      if (name != nullptr && section != SHN_UNDEF) try_function(symbol, start, [=] { return name; });
    }
  }

  /// Goes through .symtab of the file itself, faster than libdw's look-up of each symbol. False: the file was stripped.
  bool look_through_own_symbols() {
    GElf_Addr bias = 0;
    Elf* elf = dwfl_module_getelf(module_, &bias);
    for (Elf_Scn* section = nullptr; elf != nullptr && (section = elf_nextscn(elf, section)) != nullptr;) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data == nullptr) return false;
      GElf_Sym symbol;
      for (int i = 1; gelf_getsym(data, i, &symbol) != nullptr; ++i)
        if (symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS)
          try_function(symbol, symbol.st_value + bias, [&] { return elf_strptr(elf, header.sh_link, symbol.st_name); });
      return true;
    }
    return false;
  }

  /// Records the symbol as the function of each address within it. The name is read only then: names are five times the
  /// size of the symbols, and lie in the file.
  template <class Name>
  void try_function(const GElf_Sym& symbol, uint64_t start, Name name_of) {
    const int type = GELF_ST_TYPE(symbol.st_info), binding = GELF_ST_BIND(symbol.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) return;
    const uint64_t end = start + std::max<uint64_t>(symbol.st_size, 1);
    const int rank = binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
    auto at = std::lower_bound(found_.begin(), found_.end(), start,
                               [](const Found& found, uint64_t value) { return found.address < value; });
    for (; at != found_.end() && at->address < end; ++at) {
      if (at->function != nullptr && (start < at->start || (start == at->start && rank >= at->rank))) continue;
      const char* const name = name_of();
      if (name != nullptr && *name != '\0') at->start = start, at->rank = rank, at->function = name;
    }
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
  int fd_;
  // The C library gets no lines: its function names suffice, and Debian's libc6-dbg is compressed (40 ms in each run).
  const bool is_c_library_ = base_name(path_).starts_with("libc.so") || base_name(path_).starts_with("ld-linux");
  OpenFile file_;  // opened for its symbols
  Dwfl_Module* module_ = nullptr;
  std::unique_ptr<OpenFile> lines_;
  std::vector<Dwarf_Off> units_;  // DIE offsets of the compilation units that `lines_` has unpacked
  std::vector<Found> found_;      // by address
};

}  // namespace

void Symbolizer::want(const std::string& path, uint64_t file_offset) {
  if (!names_.try_emplace({path, file_offset}).second) return;
  if (const auto [at, is_new] = files_.try_emplace(path); is_new)
    at->second = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

void Symbolizer::finish() {
  std::vector<uint64_t> offsets;
  for (auto first = names_.begin(), last = first; first != names_.end(); first = last) {
    const std::string& path = first->first.first;
    offsets.clear();
    for (; last != names_.end() && last->first.first == path; ++last) offsets.push_back(last->first.second);
    Module module(path, files_.at(path).get());
    module.find_functions(offsets);
    for (auto at = first; at != last; ++at) at->second = module.names(at->first.second);
  }
}

const std::vector<std::string>& Symbolizer::names(const std::string& path, uint64_t file_offset) const {
  return names_.at({path, file_offset});
}

}  // namespace oomcast::record
