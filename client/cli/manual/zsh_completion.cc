#include <fmt/format.h>

#include "client/cli/manual/command_description.h"
#include "client/cli/manual/completion.h"

namespace hftmon {
namespace {

// Within single quotes, and where _arguments would take brackets and colons for its own.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      escaped += std::string("\\") + c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// ":PID:_pids", behind an option or a place.
std::string ActionOf(const OptionDescription& option) {
  const std::string label = option.words.empty() ? Escaped(option.value) : "choice";
  if (option.list) return fmt::format(":{}:_values -s , choice {}", label, fmt::join(option.words, " "));
  if (!option.words.empty()) return fmt::format(":{}:({})", label, fmt::join(option.words, " "));
  if (option.takes_file()) return fmt::format(":{}:_files", label);
  if (option.takes_pid()) return fmt::format(":{}:_pids", label);
  return fmt::format(":{}: ", label);
}

std::string ArgumentsOf(const CommandDescription& command) {
  std::string arguments;
  for (const OptionDescription& option : command.options) {
    const std::string help = Escaped(FirstClause(option.help));
    for (const std::string& name : option.names) {
      const bool is_long = name.starts_with("--");
      arguments += fmt::format(" \\\n        '*{}{}[{}]{}'", name, option.takes_value && is_long ? "=" : "", help,
                               option.takes_value ? ActionOf(option) : "");
    }
    if (option.by_place) arguments += fmt::format(" \\\n        '*{}'", ActionOf(option));
  }
  if (command.takes_command) arguments += " \\\n        '*::command: _normal'";
  return arguments;
}

}  // namespace

std::string ZshCompletion(const CommandLine& line) {
  const std::string every_verb = ArgumentsOf(DescribeProgram(line));
  std::string verbs;
  std::string cases;
  for (const DeclaredVerb& declared : line.verbs()) {
    const CommandDescription verb = DescribeVerb(declared);
    verbs += fmt::format("    '{}:{}'\n", verb.name, Escaped(FirstClause(verb.summary)));
    cases += fmt::format("      {})\n        _arguments $every_verb{} ;;\n", verb.name, ArgumentsOf(verb));
  }
  return fmt::format(
      "#compdef hftmon\n"
      "# Completion of hftmon in zsh, made by the build from the command line's own definitions.\n"
      "_hftmon() {{\n"
      "  local curcontext=$curcontext state line\n"
      "  typeset -A opt_args\n"
      "  local -a verbs every_verb\n"
      "  verbs=(\n{}    'help:the options and examples of a verb'\n  )\n"
      "  every_verb=({}\n  )\n"
      "  _arguments -C $every_verb '1: :->verb' '*:: :->rest'\n"
      "  case $state in\n"
      "    verb) _describe -t verbs verb verbs ;;\n"
      "    rest)\n"
      "      case $words[1] in\n"
      "      help) _describe -t verbs verb verbs ;;\n"
      "{}"
      "      esac ;;\n"
      "  esac\n"
      "}}\n"
      "_hftmon \"$@\"\n",
      verbs, every_verb, cases);
}

}  // namespace hftmon
