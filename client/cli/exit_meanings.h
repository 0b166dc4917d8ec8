// What exit codes mean, in the words that help and the manual pages have; the numbers are exit_code.h's.
#ifndef HFTMON_CLIENT_CLI_EXIT_MEANINGS_H_
#define HFTMON_CLIENT_CLI_EXIT_MEANINGS_H_

#include <string>

#include "client/cli/exit_code.h"

namespace hftmon {

struct ExitMeaning {
  int code = 0;
  const char* meaning = "";
};

// Of every verb but `run`, which ends as its command did.
inline constexpr ExitMeaning kExitMeanings[] = {
    {kExitFine, "fine"},
    {kExitWarnings, "warnings: lost records, an incomplete answer, something that is unavailable"},
    {kExitThreshold, "a threshold or a requirement was violated"},
    {kExitError, "error: no answer; standard error has the reason"},
    {kExitSignalBase + 2, "interrupted (^C)"},
};

// "Exit codes: 0 fine, 1 warnings: …"
inline std::string ExitCodesText() {
  std::string text;
  for (const ExitMeaning& exit : kExitMeanings) {
    text += (text.empty() ? "Exit codes: " : "; ") + std::to_string(exit.code) + " " + exit.meaning;
  }
  return text;
}

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_EXIT_MEANINGS_H_
