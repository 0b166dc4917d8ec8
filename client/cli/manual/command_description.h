// CommandDescription: a verb (or hftmon itself) and its options as plain data, read from the definitions that also parse it. The manual
// pages and the shells' completion are made of it. Pure, any thread.
//
// What stands behind an option is told by its type's name (value_types.h).
#ifndef HFTMON_CLIENT_CLI_MANUAL_COMMAND_DESCRIPTION_H_
#define HFTMON_CLIENT_CLI_MANUAL_COMMAND_DESCRIPTION_H_

#include <string>
#include <vector>

#include "client/cli/command_line.h"

namespace hftmon {

struct OptionDescription {
  std::vector<std::string> names;  // "-p", "--pid"; none: it only stands by its place
  bool by_place = false;           // may stand without a name
  bool takes_value = false;
  bool required = false;
  bool repeats = false;            // several values
  bool list = false;               // `words` may be joined by commas
  std::string value;               // "TIME"
  std::vector<std::string> words;  // all that it takes; empty: free
  std::string default_value;       // "" where the help names it, or there is none
  std::string environment;         // the variable that stands in for it
  std::string help;

  bool takes_pid() const { return value == "PID"; }
  bool takes_file() const { return value == "FILE"; }
};

struct CommandDescription {
  std::string name;
  std::string summary;
  std::string notes;                       // paragraphs, one a line; without what they say of exit codes
  std::string exit_notes;                  // that; "" when there is nothing but what all have
  std::vector<OptionDescription> options;  // in the order of the help
  bool takes_command = false;
};

// "a|b|c[,...]" → {a, b, c}; {} for a type that is no such list.
std::vector<std::string> WordsOfType(const std::string& type);

CommandDescription DescribeVerb(const DeclaredVerb& declared);
// hftmon itself: options that every verb has.
CommandDescription DescribeProgram(const CommandLine& line);

// The first clause of a help text: what a shell has room for.
std::string FirstClause(const std::string& help);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_MANUAL_COMMAND_DESCRIPTION_H_
