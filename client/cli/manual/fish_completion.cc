#include <fmt/format.h>

#include "client/cli/manual/command_description.h"
#include "client/cli/manual/completion.h"

namespace hftmon {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "'";
}

// What stands behind an option or at a place: no file unless one is wanted.
std::string ArgumentsOf(const OptionDescription& option) {
  if (!option.words.empty()) return fmt::format(" -x -a '{}'", fmt::join(option.words, " "));
  if (option.takes_file()) return " -r -F";
  return option.takes_pid() ? " -x -a '(__fish_complete_pids)'" : " -x";
}

std::string LinesOf(const std::string& condition, const CommandDescription& command) {
  std::string lines;
  for (const OptionDescription& option : command.options) {
    if (!option.names.empty()) {
      std::string names;
      for (const std::string& name : option.names) names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      lines += fmt::format("complete -c hftmon{}{}{} -d {}\n", condition, names, option.takes_value ? ArgumentsOf(option) : "",
                           Quoted(FirstClause(option.help)));
    }
    if (!option.by_place) continue;
    if (option.takes_file()) {
      lines += fmt::format("complete -c hftmon{} -F\n", condition);
    } else if (option.takes_pid() || !option.words.empty()) {
      lines += fmt::format("complete -c hftmon{}{}\n", condition, ArgumentsOf(option));
    }
  }
  if (command.takes_command) lines += fmt::format("complete -c hftmon{} -a '(__fish_complete_subcommand)'\n", condition);
  return lines;
}

}  // namespace

std::string FishCompletion(const CommandLine& line) {
  std::string script =
      "# Completion of hftmon in fish, made by the build from the command line's own definitions.\n"
      "complete -c hftmon -f\n";
  script += LinesOf("", DescribeProgram(line));
  std::string names;
  for (const DeclaredVerb& declared : line.verbs()) {
    const CommandDescription verb = DescribeVerb(declared);
    names += (names.empty() ? "" : " ") + verb.name;
    script += fmt::format("complete -c hftmon -n __fish_use_subcommand -a {} -d {}\n", verb.name, Quoted(FirstClause(verb.summary)));
    script += LinesOf(fmt::format(" -n '__fish_seen_subcommand_from {}'", verb.name), verb);
  }
  script += "complete -c hftmon -n __fish_use_subcommand -a help -d 'the options and examples of a verb'\n";
  return script + fmt::format("complete -c hftmon -n '__fish_seen_subcommand_from help' -a '{}'\n", names);
}

}  // namespace hftmon
