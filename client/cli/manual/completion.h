// Completion of hftmon's words in a shell: verbs, options, the words that an option takes, files, process ids. Made of the command line's
// definitions; each function returns the whole script. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_MANUAL_COMPLETION_H_
#define HFTMON_CLIENT_CLI_MANUAL_COMPLETION_H_

#include <string>

#include "client/cli/command_line.h"

namespace hftmon {

std::string BashCompletion(const CommandLine& line);
std::string ZshCompletion(const CommandLine& line);
std::string FishCompletion(const CommandLine& line);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_MANUAL_COMPLETION_H_
