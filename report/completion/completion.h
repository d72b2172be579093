// Prints the completion of the command for a shell: made from its grammar, so that it cannot fall behind.
#pragma once

#include <string>

#include "report/completion/command_words.h"

namespace oomcast::report {

std::string bash_completion(const CommandWords& root);
std::string zsh_completion(const CommandWords& root);

}  // namespace oomcast::report
