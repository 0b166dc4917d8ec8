// The command line, from words to an exit code.
#ifndef HFTMON_CLIENT_CLI_CLI_H_
#define HFTMON_CLIENT_CLI_CLI_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/console.h"

namespace hftmon {

// Runs `hftmon WORDS…` (without the program's name) and returns its exit code (exit_code.h). Errors go to the console's Err as
// "hftmon: <thing>: <cause>: <mend>". `zone`: in which times of day are shown. SIGINT and SIGTERM are watched only by verbs that follow.
int RunCli(const std::vector<std::string>& words, Console& console, const absl::TimeZone& zone);

// main(): the process's own words, output and time zone; a closed or vanished output does no harm.
int CliMain(int argc, char** argv);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_CLI_H_
