#include "client/cli/help.h"

#include <fmt/format.h>

#include "client/cli/exit_meanings.h"
#include "client/cli/verb_examples.h"

namespace hftmon {

std::string OverviewNotes() {
  return "Durations are written 50us, 1ms, 10s. `hftmon help VERB` has a verb's options and examples.\n" + ExitCodesText() + ".";
}

std::string VerbHelp(const CLI::App& verb, bool takes_command) {
  std::string text = verb.help("hftmon");
  const std::vector<VerbExample> examples = ExamplesOf(verb.get_name());
  if (!examples.empty()) text += "\nExamples:\n";
  for (const VerbExample& example : examples) text += fmt::format("  {}\n      {}\n", example.command, example.meaning);
  if (!takes_command) text += "\n" + ExitCodesText() + ".\n";
  return text + "\nOptions of every verb (--server, --timeout, --pid-namespace): `hftmon help`.\n";
}

}  // namespace hftmon
