// The manual pages hftmon(1) and hftmon-VERB(1), made of the command line's definitions and examples. Pure, any thread.
#ifndef HFTMON_CLIENT_CLI_MANUAL_VERB_PAGES_H_
#define HFTMON_CLIENT_CLI_MANUAL_VERB_PAGES_H_

#include <string>

#include "client/cli/command_line.h"

namespace hftmon {

std::string ProgramPage(const CommandLine& line);
std::string VerbPage(const CommandLine& line, const DeclaredVerb& verb);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_MANUAL_VERB_PAGES_H_
