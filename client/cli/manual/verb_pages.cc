#include "client/cli/manual/verb_pages.h"

#include <fmt/format.h>

#include "client/cli/exit_meanings.h"
#include "client/cli/manual/command_description.h"
#include "client/cli/verb_examples.h"
#include "common/manual_page.h"

namespace hftmon {
namespace {

constexpr char kRelease[] = "hftmon " HFTMON_VERSION;

std::string ValueOf(const OptionDescription& option) {
  return option.value + (option.repeats ? "..." : "");
}

// "-p, --pid PID..."; of one that only stands by its place "FILE".
std::string TermOf(const OptionDescription& option) {
  if (option.names.empty()) return ValueOf(option);
  const std::string names = fmt::format("{}", fmt::join(option.names, ", "));
  return option.takes_value ? names + " " + ValueOf(option) : names;
}

std::string MeaningOf(const OptionDescription& option) {
  std::string meaning = option.help;
  if (!option.default_value.empty()) meaning += fmt::format(" (default: {})", option.default_value);
  if (!option.environment.empty()) meaning += fmt::format("; the environment's {} stands in for it", option.environment);
  if (option.required) meaning += " (required)";
  if (option.by_place && !option.names.empty()) meaning += "; may stand without the option's name";
  return meaning;
}

// "hftmon spikes [OPTION]... FILE".
std::string SynopsisOf(const CommandDescription& verb) {
  std::string synopsis = fmt::format("hftmon {} [OPTION]...", verb.name);
  for (const OptionDescription& option : verb.options) {
    if (!option.by_place) continue;
    synopsis += option.required ? " " + ValueOf(option) : " [" + ValueOf(option) + "]";
  }
  return synopsis + (verb.takes_command ? " -- COMMAND [ARGUMENT]..." : "");
}

void AddOptions(const CommandDescription& command, ManualPage* page) {
  page->Section("OPTIONS");
  for (const OptionDescription& option : command.options) page->Item(TermOf(option), MeaningOf(option));
}

void AddExitCodes(ManualPage* page) {
  for (const ExitMeaning& exit : kExitMeanings) page->Item(std::to_string(exit.code), exit.meaning);
}

}  // namespace

std::string ProgramPage(const CommandLine& line) {
  const CommandDescription program = DescribeProgram(line);
  ManualPage page("hftmon", 1, kRelease, "why did this thread stall? asks hftmond, the low-latency monitor");
  page.Section("SYNOPSIS");
  page.Synopsis("hftmon [OPTION]... VERB [ARGUMENT]...");
  page.Synopsis("hftmon help [VERB]");
  page.Section("DESCRIPTION");
  page.Paragraph(
      "hftmond watches processes, down to each time that a thread of theirs was kept waiting; hftmon attaches it to processes and asks "
      "what "
      "it found. Each verb has a page of its own.");
  page.Paragraph("Durations are written 50us, 1ms, 10s. With --json a verb prints one object (streams: one a line).");
  page.Section("VERBS");
  for (const DeclaredVerb& verb : line.verbs()) {
    page.Item(verb.app->get_name(), fmt::format("{}; see hftmon-{}(1)", verb.app->get_description(), verb.app->get_name()));
  }
  AddOptions(program, &page);
  page.Section("ENVIRONMENT");
  for (const OptionDescription& option : program.options) {
    if (!option.environment.empty()) page.Item(option.environment, fmt::format("stands in for {}: {}", option.names.back(), option.help));
  }
  page.Item("NO_COLOR", "set to anything: no colours on a terminal");
  page.Section("EXIT STATUS");
  AddExitCodes(&page);
  page.Paragraph("`run` ends as its command did.");
  page.Section("FILES");
  page.Item(kDefaultServerAddress + std::string_view(kDefaultServerAddress).find('/'),
            "where the daemon listens unless it is told otherwise");
  page.Item("/etc/hftmon/hftmond.conf", "the daemon's configuration; see hftmond(8)");
  page.Section("SEE ALSO");
  page.Paragraph("hftmond(8)");
  return page.text();
}

std::string VerbPage(const CommandLine& line, const DeclaredVerb& declared) {
  const CommandDescription verb = DescribeVerb(declared);
  ManualPage page("hftmon-" + verb.name, 1, kRelease, verb.summary);
  page.Section("SYNOPSIS");
  page.Synopsis(SynopsisOf(verb));
  page.Section("DESCRIPTION");
  page.Paragraph(verb.notes.empty() ? verb.summary + "." : verb.notes);
  AddOptions(verb, &page);
  page.Subsection("Options of every verb");
  for (const OptionDescription& option : DescribeProgram(line).options) {
    if (option.takes_value) page.Item(TermOf(option), MeaningOf(option));
  }
  page.Section("EXIT STATUS");
  if (!verb.takes_command) AddExitCodes(&page);
  if (!verb.exit_notes.empty()) page.Paragraph(verb.exit_notes);
  page.Section("EXAMPLES");
  for (const VerbExample& example : ExamplesOf(verb.name)) page.Item(example.command, example.meaning);
  page.Section("SEE ALSO");
  page.Paragraph("hftmon(1), hftmond(8)");
  return page.text();
}

}  // namespace hftmon
