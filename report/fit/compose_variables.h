// Variables in the values of a Compose file: $NAME, ${NAME}, ${NAME:-default}, ${NAME:?error}, ${NAME:+instead}, $$.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace oomcast::report {

class ComposeVariables {
 public:
  /// Of the environment of this process, and after that of the .env beside `path`.
  explicit ComposeVariables(const std::string& path);

  /// Throws BadManifest for a variable that is not set and has no default, and for what is no variable.
  std::string put_in(std::string_view text) const;

 private:
  std::optional<std::string> value(const std::string& name) const;
  std::string braced(std::string_view inside, int depth) const;
  std::string put_in(std::string_view text, int depth) const;

  std::map<std::string, std::string> file_;
};

}  // namespace oomcast::report
