// Prints a shell's completion script. The script is made from the command's grammar, so that it cannot fall behind.
#pragma once

#include <string>

#include "report/completion/command_words.h"

namespace oomcast::report {

std::string bash_completion(const CommandWords& root);
std::string zsh_completion(const CommandWords& root);

}  // namespace oomcast::report
