#include "client/cli/manual/command_description.h"

#include <algorithm>

#include "absl/strings/str_split.h"

namespace hftmon {
namespace {

constexpr char kListMark[] = "[,...]";
constexpr size_t kClauseBytesMax = 90;

// Where the notes come to exit codes: at the start of a line or of a sentence.
size_t ExitCodeAt(const std::string& notes) {
  for (const char* begin : {"Exit code ", "The exit code is"}) {
    const size_t at = notes.find(begin);
    if (at == 0 || (at != std::string::npos && (notes[at - 1] == '\n' || notes[at - 1] == ' '))) return at;
  }
  return notes.size();
}

// Lines are broken for a terminal; a page is filled anew.
std::string Joined(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

// IsMember's own description, "{on,off}", stands in the type's name behind a colon.
std::string TypeOf(const CLI::Option& option) {
  std::string type = option.get_type_name();
  const size_t set = type.find(":{");
  if (set == std::string::npos || type.back() != '}') return type.substr(0, type.find(':'));
  std::string words = type.substr(set + 2, type.size() - set - 3);
  std::replace(words.begin(), words.end(), ',', '|');
  return words;
}

OptionDescription DescribeOption(const CLI::Option& option) {
  OptionDescription description;
  for (const std::string& name : option.get_snames()) description.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) description.names.push_back("--" + name);
  description.by_place = option.get_positional();
  description.takes_value = option.get_expected_min() > 0;
  description.required = option.get_required();
  description.repeats = option.get_expected_max() > 1;
  description.help = option.get_description();
  description.environment = option.get_envname();
  if (!description.takes_value) return description;
  const std::string type = TypeOf(option);
  description.list = type.ends_with(kListMark);
  description.words = WordsOfType(type);
  description.value = type;
  description.default_value = option.get_default_str();
  return description;
}

CommandDescription DescribeApp(const CLI::App& app) {
  CommandDescription description;
  description.name = app.get_name();
  description.summary = app.get_description();
  const std::string notes = app.get_footer();
  const size_t exit_at = ExitCodeAt(notes);
  description.notes = Joined(notes.substr(0, exit_at));
  description.exit_notes = Joined(notes.substr(exit_at));
  for (const CLI::Option* option : app.get_options()) description.options.push_back(DescribeOption(*option));
  return description;
}

}  // namespace

std::vector<std::string> WordsOfType(const std::string& type) {
  const std::string words = type.ends_with(kListMark) ? type.substr(0, type.size() - (sizeof(kListMark) - 1)) : type;
  if (words.find('|') == std::string::npos) return {};
  return absl::StrSplit(words, '|');
}

CommandDescription DescribeVerb(const DeclaredVerb& declared) {
  CommandDescription description = DescribeApp(*declared.app);
  description.takes_command = declared.takes_command;
  return description;
}

CommandDescription DescribeProgram(const CommandLine& line) {
  CommandDescription description = DescribeApp(line.app());
  description.notes.clear();  // told in sections of their own
  description.exit_notes.clear();
  return description;
}

std::string FirstClause(const std::string& help) {
  size_t end = help.size();
  for (const char* mark : {" (", "; ", ": ", ". ", "\n"}) end = std::min(end, help.find(mark));
  if (end <= kClauseBytesMax) return help.substr(0, end);
  end = help.rfind(' ', kClauseBytesMax);
  return help.substr(0, end == std::string::npos ? kClauseBytesMax : end);
}

}  // namespace hftmon
