// VerbExample: a command line worth trying, of one verb; help and the manual pages print it. Passive data, any thread.
//
// The verb is the second word. What stands behind a `|` is another program's. A test parses each with the command line's own definitions,
// and holds that every verb has one.
#ifndef HFTMON_CLIENT_CLI_VERB_EXAMPLES_H_
#define HFTMON_CLIENT_CLI_VERB_EXAMPLES_H_

#include <span>
#include <string_view>
#include <vector>

namespace hftmon {

struct VerbExample {
  std::string_view command;
  std::string_view meaning;  // one line
};

std::span<const VerbExample> AllExamples();

// In their order; empty for what is no verb.
std::vector<VerbExample> ExamplesOf(std::string_view verb);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_VERB_EXAMPLES_H_
