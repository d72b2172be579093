// Prints the completion for bash: one function that needs only bash itself.
#include "report/completion/completion.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Kind = ValueWords::Kind;

// The words before the cursor decide what is due. COMP_WORDS holds '=' as a word of its own.
constexpr const char* kBegin =
    R"(# Completes oomcast in bash. Made by 'oomcast completion bash' from the command's own grammar.

_oomcast_reply() { # _oomcast_reply COMPGEN-ARGUMENTS...: a name with blanks in it stays one
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@" -- "$cur")
}

_oomcast_files() {
  compopt -o filenames 2>/dev/null
  _oomcast_reply "$@"
}

_oomcast() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= at=1
  COMPREPLY=()
  if [[ $cur == '=' ]]; then
    cur=
  elif [[ $prev == '=' ]] && ((COMP_CWORD > 2)); then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ ${COMP_WORDS[at]} == -- ]] || continue
    # What follows is the program's.
    if declare -F _command_offset >/dev/null; then
      _command_offset $((at + 1))
    elif ((at + 1 == COMP_CWORD)); then
      _oomcast_files -c
    else
      _oomcast_files -f
    fi
    return
  done
)";

std::string offer(const ValueWords& value) {
  switch (value.kind) {
    case Kind::kFile:
      return "_oomcast_files -f";
    case Kind::kDirectory:
      return "_oomcast_files -d";
    case Kind::kHost:
      return "_oomcast_files -f -W '" + joined_text(value.choices, " ") + "'";
    case Kind::kProcess:
      return "_oomcast_reply -W \"$(cd /proc && echo [0-9]*)\"";
    case Kind::kChoice:
      return "_oomcast_reply -W '" + joined_text(value.choices, " ") + "'";
    case Kind::kAnything:
      break;
  }
  return ":";
}

/// Returns the `case` branch of one command: what is offered for the value of the option before the cursor, for an
/// option, for a subcommand, for an argument.
std::string branch(const CommandWords& command) {
  std::string out = "    '" + command.path + "')\n      case $prev in\n";
  std::vector<std::string> options, free, commands;
  for (const OptionWords& option : command.options) {
    options.insert(options.end(), option.names.begin(), option.names.end());
    if (!option.takes_value) continue;
    if (option.value.kind == Kind::kAnything)
      free.insert(free.end(), option.names.begin(), option.names.end());
    else
      out += "        " + joined_text(option.names, " | ") + ") " + offer(option.value) + "; return ;;\n";
  }
  if (!free.empty()) out += "        " + joined_text(free, " | ") + ") return ;;\n";
  out += "      esac\n";
  for (const CommandWords& below : command.commands) commands.push_back(below.name());
  out += "      if [[ $cur == -* ]]; then\n        _oomcast_reply -W '" + joined_text(options, " ") +
         "'\n      else\n        ";
  out += !commands.empty()         ? "_oomcast_reply -W '" + joined_text(commands, " ") + "'"
         : command.takes_arguments ? offer(command.argument)
                                   : "_oomcast_reply -W '" + joined_text(options, " ") + "'";
  return out + "\n      fi\n      ;;\n";
}

void add_paths(const CommandWords& command, std::vector<std::string>& paths) {
  for (const CommandWords& below : command.commands) {
    paths.push_back(std::string("'") + (command.path.empty() ? " " : "") + below.path + "'");
    add_paths(below, paths);
  }
}

void add_branches(const CommandWords& command, std::string& out) {
  out += branch(command);
  for (const CommandWords& below : command.commands) add_branches(below, out);
}

}  // namespace

std::string bash_completion(const CommandWords& root) {
  std::vector<std::string> paths;
  add_paths(root, paths);
  std::string out = kBegin;
  out += "  for ((at = 1; at < COMP_CWORD; at++)); do\n    case \"$command ${COMP_WORDS[at]}\" in\n      " +
         joined_text(paths, " | ") +
         ") command=${command:+$command }${COMP_WORDS[at]} ;;\n      *) break ;;\n    esac\n  done\n";
  out += "  case $command in\n";
  add_branches(root, out);
  return out + "  esac\n}\n\ncomplete -F _oomcast oomcast\n";
}

}  // namespace oomcast::report
