// Prints the completion for zsh: a function of _arguments specifications per command.
#include "report/completion/completion.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Kind = ValueWords::Kind;

/// Escapes `text` for a specification of _arguments within single quotes: colon, brackets, backslash, quote.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string function_name(const CommandWords& command) {
  std::string name = "_oomcast_" + (command.path.empty() ? "commands" : command.path);
  for (char& c : name)
    if (c == ' ' || c == '-') c = '_';
  return name;
}

std::string offer(const ValueWords& value) {
  const std::string words = joined_text(value.choices, " ");
  switch (value.kind) {
    case Kind::kFile:
      return "_files";
    case Kind::kDirectory:
      return "_files -/";
    case Kind::kHost:
      return "{_alternative \"names\\:preset\\:(" + words + ")\" \"files\\:file\\:_files\"}";
    case Kind::kProcess:
      return "_pids";
    case Kind::kChoice:
      return "(" + words + ")";
    case Kind::kAnything:
      break;
  }
  return " ";
}

/// Returns, for example, '(-o --output)'{-o+,--output=}'[about]:FILE:_files'.
std::string specification(const OptionWords& option) {
  std::vector<std::string> spelled = option.names;
  for (std::string& name : spelled)
    if (option.takes_value) name += name.starts_with("--") ? "=" : "+";
  const std::string names = joined_text(spelled, ","), all = joined_text(option.names, " ");
  const bool several = option.names.size() > 1;
  std::string out = option.repeatable ? "'*'" : several ? "'(" + all + ")'" : "";
  out += several ? "{" + names + "}" : names;
  out += "'[" + quoted(option.about) + "]";
  if (option.takes_value) out += ":" + quoted(option.value.name) + ":" + offer(option.value);
  return out + "'";
}

void add_function(const CommandWords& command, std::string& out) {
  out += "\n" + function_name(command) + "() {\n  local state line\n  typeset -A opt_args\n  _arguments -C";
  for (const OptionWords& option : command.options) out += " \\\n    " + specification(option);
  if (command.takes_arguments)
    out += " \\\n    '*:" + quoted(command.argument.name) + ":" + offer(command.argument) + "'";
  if (command.commands.empty()) {
    out += "\n}\n";
    return;
  }
  out += " \\\n    '1:command:->command' \\\n    '*::argument:->argument'\n  case $state in\n    command)\n";
  out += "      local -a commands=(\n";
  for (const CommandWords& below : command.commands)
    out += "        '" + below.name() + ":" + quoted(below.about) + "'\n";
  out += "      )\n      _describe command commands\n      ;;\n    argument)\n      case $words[1] in\n";
  for (const CommandWords& below : command.commands)
    out += "        " + below.name() + ") " + function_name(below) + " ;;\n";
  out += "      esac\n      ;;\n  esac\n}\n";
  for (const CommandWords& below : command.commands) add_function(below, out);
}

}  // namespace

std::string zsh_completion(const CommandWords& root) {
  std::string out =
      "#compdef oomcast\n# Completes oomcast in zsh. Made by 'oomcast completion zsh' from the command's own "
      "grammar.\n";
  add_function(root, out);
  // As a file in a folder of $fpath, the script is the body of _oomcast at its first call; sourced, it ties _oomcast to
  // the command.
  return out + R"(
_oomcast() {
  local -i dashes=${words[(i)--]}
  if ((dashes < CURRENT)); then # What follows is the program's.
    words=("${(@)words[dashes + 1, -1]}")
    ((CURRENT -= dashes))
    _normal
  else
    _oomcast_commands
  fi
}

if [[ $funcstack[1] == _oomcast ]]; then
  _oomcast "$@"
else
  compdef _oomcast oomcast
fi
)";
}

}  // namespace oomcast::report
