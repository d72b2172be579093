// Writes a report, a sweep or a comparison as one HTML page that needs no other file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/base/result.h"

namespace oomcast::report {

/// Makes a page of a document.
///
/// The page opens from disk without a network: scripts, styles and data are inside. Its Content Security Policy permits
/// these scripts and styles by their hashes and nothing else, so that a program's name, path or symbol remains text.
/// The same document gives the same bytes.
///
/// `document`: an oomcast.report.v1 or an oomcast.sweep.v1. Errors: another schema, or a key of a type that the schema
/// does not allow ("this report is damaged: ...").
Result<std::string> page_of(const nlohmann::ordered_json& document);
/// Makes a page of a comparison. `diff`: an oomcast.diff.v1 of the two reports.
Result<std::string> diff_page_of(const nlohmann::ordered_json& diff, const nlohmann::ordered_json& before,
                                 const nlohmann::ordered_json& after);

/// Escapes the text for HTML, also inside an attribute: "&lt;" for "<" and so on.
std::string html_text(const std::string& text);

}  // namespace oomcast::report
