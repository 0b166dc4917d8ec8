// What `hftmon help` and `hftmon help VERB` print, beyond what CLI11 makes of the definitions. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_HELP_H_
#define HFTMON_CLIENT_CLI_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace hftmon {

// Below the list of verbs: how durations are written, where more is said, exit codes.
std::string OverviewNotes();

// Description, usage, options, notes, examples, exit codes; of a verb that runs a command the exit code is the command's, as its notes say.
std::string VerbHelp(const CLI::App& verb, bool takes_command);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_HELP_H_
