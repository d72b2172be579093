// Reads the kernel's version, and uses the output of commands in place of missing files.
//
// A sosreport holds parts of /proc under their own paths, and the output of commands in sos_commands/, such as all
// sysctls and uname. (sos version 3 and later; older versions had sos_commands/general.)
#include <algorithm>

#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr const char* kVersion = "proc/version";

// "proc/sys/vm/page-cluster" -> "vm.page-cluster".
std::string sysctl_name(std::string_view path) {
  std::string name(path.substr(std::string_view("proc/sys/").size()));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

std::map<std::string, std::string> wanted_sysctls() {
  std::vector<std::string> paths = {"proc/sys/vm/lowmem_reserve_ratio", "proc/sys/fs/dentry-state",
                                    "proc/sys/fs/inode-nr"};
  for (const VmField& field : vm_fields()) paths.emplace_back(field.path);
  std::map<std::string, std::string> wanted;
  for (const std::string& path : paths) {
    if (path.starts_with("proc/sys/")) wanted.emplace(sysctl_name(path), path);
  }
  return wanted;
}

// Lines "vm.swappiness = 60", with error messages of the command between them.
void add_sysctls(SnapshotFiles& files, PrintedIn& printed_in) {
  const std::map<std::string, std::string> wanted = wanted_sysctls();
  for (const std::string& source : sysctl_outputs()) {
    const auto text = files.files.find(source);
    if (text == files.files.end()) continue;
    for (const Line& line : lines(text->second)) {  // std::map: insertions below do not move this text
      const size_t equals = line.text.find('=');
      if (equals == std::string_view::npos) continue;
      const auto key = wanted.find(std::string(trim(line.text.substr(0, equals))));
      if (key == wanted.end() || files.files.contains(key->second)) continue;
      files.files[key->second] = std::string(trim(line.text.substr(equals + 1))) + "\n";
      printed_in[key->second] = {source, line.number};
    }
  }
}

// uname -a prints "Linux HOST RELEASE #1 SMP ..."; stored as in /proc/version: "Linux version RELEASE ...".
void add_version(SnapshotFiles& files, PrintedIn& printed_in) {
  for (const std::string& source : uname_outputs()) {
    const auto text = files.files.find(source);
    if (text == files.files.end() || files.files.contains(kVersion)) continue;
    std::string version = "Linux version";
    const std::vector<std::string_view> word = words(text->second);
    if (word.size() < 3 || word[0] != "Linux") continue;
    for (size_t i = 2; i < word.size(); ++i) version += " " + std::string(word[i]);
    files.files[kVersion] = version + "\n";
    printed_in[kVersion] = {source, 1};
  }
}

}  // namespace

const std::vector<std::string>& sysctl_outputs() {
  static const std::vector<std::string> paths = {"sos_commands/kernel/sysctl_-a", "sos_commands/general/sysctl_-a",
                                                 "sos_commands/kernel/sysctl"};
  return paths;
}

const std::vector<std::string>& uname_outputs() {
  static const std::vector<std::string> paths = {"sos_commands/kernel/uname_-a", "sos_commands/general/uname_-a",
                                                 "sos_commands/kernel/uname", "sos_commands/general/uname", "uname"};
  return paths;
}

PrintedIn add_command_outputs(SnapshotFiles& files) {
  PrintedIn printed_in;
  add_sysctls(files, printed_in);
  add_version(files, printed_in);
  return printed_in;
}

void read_kernel_version(SnapshotReader& reader) {
  HostSpec& spec = reader.spec;
  const std::string* text = reader.text(kVersion);
  if (!text) {
    spec.kernel_release = "6.1";
    reader.assume("kernel", "6.1", "no proc/version");
    return;
  }
  const std::vector<std::string_view> word = words(*text);
  if (word.size() < 3 || word[0] != "Linux" || word[1] != "version") {
    return reader.fail(kVersion, 1, "expected 'Linux version RELEASE ...', got " + quote(trim(*text)));
  }
  const auto version = kernel_version(word[2]);
  if (!version) return reader.fail(kVersion, 1, "release " + quote(word[2]) + " does not begin with MAJOR.MINOR");
  spec.kernel_release = std::string(word[2]);
  spec.kernel = *version;
  reader.kernel_known = true;
}

}  // namespace oomcast::host
