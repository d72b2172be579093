// Finds the kernel's files in a sosreport. See sosreport.h.
#include "report/host_files/sosreport.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_paths.h"

namespace oomcast::report {
namespace {

constexpr std::string_view kZoneinfo = "proc/zoneinfo";
constexpr int kFoldersMost = 4;  // most folders above the sosreport's own files
constexpr int kLinksMost = 40;   // most links on one path, as in the kernel

/// sys/block/sda is a link into sys/devices, where its files are.
bool is_of_a_device(std::string_view path) {
  if (!path.starts_with("sys/devices/")) return false;
  const auto& folders = host::snapshot_folders();
  return std::any_of(folders.begin(), folders.end(), [&](const host::SnapshotFolder& place) {
    return place.folder == "sys/block" &&
           std::any_of(place.files.begin(), place.files.end(),
                       [&](std::string_view file) { return path.ends_with("/" + std::string(file)); });
  });
}

/// The possible root folders of a member: for "sosreport-db7/proc/swaps" also "sosreport-db7". "" is the archive
/// itself.
std::vector<std::string_view> possible_roots(std::string_view member) {
  std::vector<std::string_view> roots{""};
  size_t slash = 0;
  for (int i = 0; i < kFoldersMost && (slash = member.find('/', slash)) != std::string_view::npos; ++i, ++slash)
    roots.push_back(member.substr(0, slash));
  return roots;
}

std::string_view below(std::string_view root, std::string_view member) {
  return root.empty() ? member : member.substr(root.size() + 1);
}

std::string joined(std::string_view root, std::string_view path) {
  return root.empty() ? std::string(path) : std::string(root) + "/" + std::string(path);
}

/// Files and links of an archive as one tree.
class Tree {
 public:
  explicit Tree(const ArchiveContent& archive) : archive_(archive) {}

  struct Found {
    const std::string* text = nullptr;
    bool leads_out = false;
  };
  Found find(std::string path) const {
    for (int links = 0; links <= kLinksMost; ++links) {
      if (const auto file = archive_.files.find(path); file != archive_.files.end()) return {&file->second, false};
      const auto link = link_on(path);
      if (!link) return {};
      if (link->second.empty()) return {nullptr, true};
      path = link->second + path.substr(link->first.size());
    }
    return {};
  }

 private:
  /// The first part of the path that is a link, and its target.
  std::optional<std::pair<std::string, std::string>> link_on(const std::string& path) const {
    for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
      const auto link = archive_.links.find(path.substr(0, end));
      if (link != archive_.links.end()) return *link;
      if (end == std::string::npos) return std::nullopt;
    }
  }

  const ArchiveContent& archive_;
};

/// The folders with a proc/zoneinfo. Of nested ones (containers have their own) only the outermost.
std::set<std::string> roots_of(const ArchiveContent& archive) {
  std::set<std::string> roots;
  const auto add = [&](const auto& members) {
    for (const auto& [member, content] : members)
      for (const std::string_view root : possible_roots(member))
        if (below(root, member) == kZoneinfo) roots.emplace(root);
  };
  add(archive.files);
  add(archive.links);
  const auto depth = [](const std::string& root) {
    return root.empty() ? std::ptrdiff_t{0} : 1 + std::count(root.begin(), root.end(), '/');
  };
  auto least = std::ptrdiff_t{kFoldersMost};
  for (const std::string& root : roots) least = std::min(least, depth(root));
  std::erase_if(roots, [&](const std::string& root) { return depth(root) > least; });
  return roots;
}

/// Paths below the root that the snapshot reader uses. For a link to a folder they are made up from the names that it
/// may contain, because the members stand elsewhere.
std::set<std::string> paths_below(const ArchiveContent& archive, const std::string& root) {
  std::set<std::string> paths;
  const std::string from = root.empty() ? "" : root + "/";
  const auto add = [&](const std::string& path) {
    if (host::is_snapshot_path(path)) paths.insert(path);
  };
  for (auto at = archive.files.lower_bound(from); at != archive.files.end() && at->first.starts_with(from); ++at)
    add(at->first.substr(from.size()));
  for (auto at = archive.links.lower_bound(from); at != archive.links.end() && at->first.starts_with(from); ++at) {
    const std::string path = at->first.substr(from.size());
    add(path);
    for (const host::SnapshotFolder& place : host::snapshot_folders())
      for (const std::string_view file : place.files) add(joined(path, file));
  }
  return paths;
}

}  // namespace

bool may_be_of_sosreport(std::string_view member) {
  const std::vector<std::string_view> roots = possible_roots(member);
  return std::any_of(roots.begin(), roots.end(), [&](std::string_view root) {
    return host::is_snapshot_path(below(root, member)) || is_of_a_device(below(root, member));
  });
}

Result<host::SnapshotFiles> sosreport_in(const ArchiveContent& archive, const std::string& path) {
  const std::set<std::string> roots = roots_of(archive);
  if (roots.empty())
    return Error{path + ": holds no sosreport: no member is called " + std::string(kZoneinfo) +
                 ", in whatever folder; was sos run without its plugin 'memory'?"};
  if (roots.size() > 1)
    return Error{path + ": holds several hosts, " + host::quote(*roots.begin()) + " and " +
                 host::quote(*std::next(roots.begin())) + "; unpack it and give the folder of one"};
  const std::string& root = *roots.begin();
  host::SnapshotFiles files;
  files.root = joined(path, root);
  if (root.empty()) files.root = path;
  files.name = root.empty() ? path.substr(path.rfind('/') + 1) : root.substr(root.rfind('/') + 1);
  const Tree tree(archive);
  for (const std::string& wanted : paths_below(archive, root)) {
    const Tree::Found found = tree.find(joined(root, wanted));
    if (found.leads_out)
      return Error{path + ": " + host::quote(wanted) +
                   " is a link that leads out of the archive; pack the folder of the sosreport anew"};
    if (found.text) files.files.emplace(wanted, *found.text);
  }
  if (!files.files.contains(std::string(kZoneinfo)))
    return Error{path + ": " + host::quote(kZoneinfo) +
                 " is a link that leads nowhere; pack the folder of the sosreport anew"};
  return files;
}

}  // namespace oomcast::report
