// Builds a page from policy, styles, story, data and scripts. See page.h.
#include "report/page/page.h"

#include "report/json_report.h"
#include "report/page/assets.h"
#include "report/page/page_data.h"
#include "report/story.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

bool is_style(const Asset& asset) { return asset.name.ends_with(".css"); }

/// Permits only the inlined scripts and styles, each by its hash: no network, no plug-ins, no forms, no frames.
std::string policy() {
  std::string scripts, styles;
  for (const Asset& asset : page_assets())
    (is_style(asset) ? styles : scripts) += " 'sha256-" + std::string(asset.sha256_base64) + "'";
  return "default-src 'none'; script-src" + scripts + "; style-src" + styles + "; base-uri 'none'; form-action 'none'";
}

/// JSON that no HTML parser takes for markup: ASCII, and no "<" even inside a string.
std::string embedded(const Json& data) {
  std::string text = data.dump(-1, ' ', true, Json::error_handler_t::replace), safe;
  safe.reserve(text.size());
  for (char c : text) {
    if (c == '<')
      safe += "\\u003c";
    else if (c == '>')
      safe += "\\u003e";
    else if (c == '&')
      safe += "\\u0026";
    else
      safe += c;
  }
  return safe;
}

std::string styles() {
  std::string text;
  for (const Asset& asset : page_assets())
    if (is_style(asset)) text += "<style>" + std::string(asset.text) + "</style>\n";
  return text;
}

std::string scripts() {
  std::string text;
  for (const Asset& asset : page_assets()) {
    if (is_style(asset)) continue;
    if (!asset.licence.empty())
      text += "<!-- " + std::string(asset.name) + " is part of this page under these terms:\n" +
              std::string(asset.licence) + "-->\n";
    text += "<script>" + std::string(asset.text) + "</script>\n";
  }
  return text;
}

/// The story needs no script, and stands first in the page.
std::string story_html(const Story& story) {
  std::string html = "<section id=\"verdict\" class=\"tone-" + story.tone +
                     "\" aria-labelledby=\"headline\">\n<h1 id=\"headline\">" + html_text(story.headline) +
                     "</h1>\n<div class=\"telling\"><div class=\"story\">\n";
  for (const std::string& sentence : story.sentences) html += "<p>" + html_text(sentence) + "</p>\n";
  html += "</div>\n<dl class=\"figures\">\n";
  for (const Figure& figure : story.figures)
    html += "<div><dt>" + html_text(figure.name) + "</dt><dd>" + html_text(figure.value) + "</dd></div>\n";
  return html + "</dl></div>\n</section>\n";
}

std::string page_text(const Story& story, const std::string& kind, const Json& data) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         policy() +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" "
         "content=\"oomcast " OOMCAST_VERSION "\">\n<title>" +
         html_text(story.headline) + " - oomcast</title>\n" + styles() + "</head>\n<body data-kind=\"" + kind +
         "\">\n<a class=\"skip\" href=\"#main\">To the verdict</a>\n"
         "<header><span class=\"brand\">oomcast</span><nav id=\"contents\" aria-label=\"Contents\"></nav></header>\n"
         "<main id=\"main\">\n" +
         story_html(story) +
         "<noscript><p>The charts and tables of this page are drawn by a script, which is switched off "
         "here.</p></noscript>\n"
         "</main>\n<footer></footer>\n<script type=\"application/json\" id=\"data\">" +
         embedded(data) + "</script>\n" + scripts() + "</body>\n</html>\n";
}

Error damaged(const std::exception& what) {
  return Error{std::string("this report is damaged: ") + what.what() + "; write it again"};
}

/// The first key that a report must have and that is missing or of another type; "" if there is none.
std::string missing_part(const Json& report) {
  for (const char* key : {"host", "first", "counters", "stall", "pressure", "timeline", "app", "coverage", "basis"})
    if (!report.contains(key) || !report[key].is_object()) return key;
  for (const char* key : {"oom_kills", "findings", "sites"})
    if (!report.contains(key) || !report[key].is_array()) return key;
  return "";
}

std::string schema_of(const Json& document) {
  if (!document.is_object() || !document.contains("schema") || !document["schema"].is_string()) return "";
  return document["schema"].get<std::string>();
}

}  // namespace

std::string html_text(const std::string& text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        // HTML has no other control characters.
        safe += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return safe;
}

Result<std::string> page_of(const Json& document) {
  const std::string schema = schema_of(document);
  try {
    if (schema == kReportSchema) {
      if (const std::string part = missing_part(document); !part.empty())
        return Error{"this report is damaged: it has no \"" + part + "\"; write it again"};
      return page_text(report_story(document), "report", page_data(document));
    }
    if (schema == "oomcast.sweep.v1") return page_text(sweep_story(document), "sweep", document);
  } catch (const Json::exception& error) {
    return damaged(error);
  }
  return Error{std::string("this is neither a report nor a sweep of oomcast (its \"schema\" is not \"") +
               kReportSchema + "\" or \"oomcast.sweep.v1\")"};
}

Result<std::string> diff_page_of(const Json& diff, const Json& before, const Json& after) {
  try {
    return page_text(
        diff_story(diff), "diff",
        Json{
            {"schema", "oomcast.diff.v1"}, {"diff", diff}, {"before", page_data(before)}, {"after", page_data(after)}});
  } catch (const Json::exception& error) {
    return damaged(error);
  }
}

}  // namespace oomcast::report
