#include <fmt/format.h>

#include "client/cli/manual/command_description.h"
#include "client/cli/manual/completion.h"

namespace hftmon {
namespace {

// What does the work; the tables that it asks stand before it.
constexpr char kFunctions[] = R"bash(
# The words that may stand for "$2" (a kind of _hftmon_value); lists and process ids behind the last comma.
_hftmon_fill() {
  local word=$1 kind=$2 done= part
  case $kind in
    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    words\ *) mapfile -t COMPREPLY < <(compgen -W "${kind#words }" -- "$word"); return ;;
    list\ *) part=${kind#list } ;;
    pids) part=$(cd /proc && printf '%s ' [0-9]*) ;;
    *) return ;;
  esac
  [[ $word == *,* ]] && done=${word%,*},
  mapfile -t COMPREPLY < <(compgen -P "$done" -W "$part" -- "${word##*,}")
}

_hftmon() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= help= i kind
  COMPREPLY=()
  # --option=value comes as three words.
  if [[ $word == '=' ]]; then
    word=
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} == -- ]]; then
      # Of `run`: what follows is a command of its own.
      if ((i + 1 == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
      else
        _hftmon_fill "$word" files
      fi
      return
    fi
    [[ -z $verb && -z $help && ${COMP_WORDS[i]} == help ]] && help=1
    [[ -n $verb || $(_hftmon_value '' "${COMP_WORDS[i-1]}") != '' ]] && continue
    [[ " $_hftmon_verbs " == *" ${COMP_WORDS[i]} "* ]] && verb=${COMP_WORDS[i]}
  done
  if [[ -n $help ]]; then
    [[ -n $verb ]] || mapfile -t COMPREPLY < <(compgen -W "$_hftmon_verbs" -- "$word")
    return
  fi
  kind=$(_hftmon_value "$verb" "$previous")
  [[ -n $kind ]] || kind=$(_hftmon_value '' "$previous")
  if [[ -n $kind ]]; then
    _hftmon_fill "$word" "$kind"
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_hftmon_options "$verb") $(_hftmon_options '')" -- "$word")
  elif [[ -z $verb ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$_hftmon_verbs help" -- "$word")
  else
    _hftmon_fill "$word" "$(_hftmon_value "$verb" '')"
  fi
}
complete -F _hftmon hftmon
)bash";

std::string KindOf(const OptionDescription& option) {
  if (!option.words.empty()) return fmt::format("{} {}", option.list ? "list" : "words", fmt::join(option.words, " "));
  return option.takes_file() ? "files" : option.takes_pid() ? "pids" : "any";
}

std::string OptionsCase(const std::string& verb, const CommandDescription& command) {
  std::string names;
  for (const OptionDescription& option : command.options) {
    for (const std::string& name : option.names) names += (names.empty() ? "" : " ") + name;
  }
  return fmt::format("    '{}') echo '{}' ;;\n", verb, names);
}

// "attach --stacks" → what may stand behind it; "attach " → what may stand by its place.
std::string ValueCases(const std::string& verb, const CommandDescription& command) {
  std::string cases;
  for (const OptionDescription& option : command.options) {
    if (!option.takes_value) continue;
    std::string patterns;
    for (const std::string& name : option.names) patterns += fmt::format("{}'{} {}'", patterns.empty() ? "" : " | ", verb, name);
    if (option.by_place) patterns += fmt::format("{}'{} '", patterns.empty() ? "" : " | ", verb);
    cases += fmt::format("    {}) echo '{}' ;;\n", patterns, KindOf(option));
  }
  return cases;
}

}  // namespace

std::string BashCompletion(const CommandLine& line) {
  const CommandDescription program = DescribeProgram(line);
  std::string verbs;
  std::string options = OptionsCase("", program);
  std::string values = ValueCases("", program);
  for (const DeclaredVerb& declared : line.verbs()) {
    const CommandDescription verb = DescribeVerb(declared);
    verbs += (verbs.empty() ? "" : " ") + verb.name;
    options += OptionsCase(verb.name, verb);
    values += ValueCases(verb.name, verb);
  }
  return fmt::format(
             "# Completion of hftmon in bash, made by the build from the command line's own definitions.\n"
             "_hftmon_verbs='{}'\n\n"
             "# The options of a verb; of '' those that every verb has.\n"
             "_hftmon_options() {{\n  case $1 in\n{}  esac\n}}\n\n"
             "# What stands behind option $2 of verb $1 (of '' by its place): words …, list …, files, pids, any; nothing: it takes no "
             "value.\n"
             "_hftmon_value() {{\n  case \"$1 $2\" in\n{}  esac\n}}\n",
             verbs, options, values) +
         kFunctions;
}

}  // namespace hftmon
