// Names the scripts and styles that every page carries; their text is packed into the command at build time.
#pragma once

#include <span>
#include <string_view>

namespace oomcast::report {

struct Asset {
  std::string_view name;  // "style.css", "dygraphs": ends in ".css" if it is a style sheet
  std::string_view text;
  std::string_view sha256_base64;  // of the text, as a Content Security Policy writes it
  std::string_view licence;        // of a library, to be carried with it; empty for this project's own files
};

/// In the order in which a page has to hold them: libraries before what uses them.
std::span<const Asset> page_assets();

}  // namespace oomcast::report
