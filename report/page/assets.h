// The scripts and styles of every page. Their text is linked into the command at build time.
#pragma once

#include <span>
#include <string_view>

namespace oomcast::report {

struct Asset {
  std::string_view name;  // "style.css", "dygraphs": a style sheet ends in ".css"
  std::string_view text;
  std::string_view sha256_base64;  // of the text, in the form of a Content Security Policy
  std::string_view licence;        // of a library, to be shown with it; empty for this project's own files
};

/// In the order that a page needs: libraries before the scripts that use them.
std::span<const Asset> page_assets();

}  // namespace oomcast::report
