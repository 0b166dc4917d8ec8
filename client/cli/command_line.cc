#include "client/cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "client/cli/help.h"
#include "client/cli/value_types.h"
#include "client/cli/verbs/verbs.h"
#include "client/cli/word_check.h"
#include "common/near_names.h"

namespace hftmon {
namespace {

constexpr size_t kNearNamesShown = 3;

absl::Status CheckWords(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (absl::Status status = CheckWord(word); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

CommandLine::CommandLine() : app_("Why did this thread stall? Asks hftmond, the low-latency monitor.", "hftmon") {
  app_.set_version_flag("--version", std::string("hftmon ") + HFTMON_VERSION);
  app_.add_option("--server", options_.server, "unix:PATH or a loopback HOST:PORT of the daemon")
      ->type_name("ADDRESS")
      ->envname("HFTMON_SERVER")
      ->take_last()
      ->capture_default_str();
  app_.add_option("--timeout", options_.timeout, "of each call")->type_name("TIME")->take_last()->capture_default_str();
  app_.add_option(
          "--pid-namespace", options_.pid_namespace,
          "process ids and thread ids given are those of the pid namespace that process PID is in (default: those of where hftmon runs)")
      ->type_name("PID")
      ->take_last();
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.footer(OverviewNotes());
  for (std::unique_ptr<Verb>& verb : AllVerbs()) {
    CLI::App* verb_app = verb->Declare(app_);
    verb_app->fallthrough();
    NameValueTypes(*verb_app);
    const bool takes_command = verb->takes_command();
    verbs_.push_back({std::move(verb), verb_app, takes_command});
  }
}

CommandLine::~CommandLine() = default;

bool CommandLine::IsVerb(std::string_view word) const {
  return std::any_of(verbs_.begin(), verbs_.end(), [word](const DeclaredVerb& declared) { return declared.app->get_name() == word; });
}

// `help` and `help VERB`, as people try first: the word is taken for --help when it stands where the verb does. `own` is in reverse.
void CommandLine::AskForHelp(std::vector<std::string>* own) const {
  const auto word = std::find_if(own->rbegin(), own->rend(), [&](const std::string& each) { return each == "help" || IsVerb(each); });
  if (word == own->rend() || *word != "help") return;
  // In reverse: what follows it on the command line stands before it.
  const auto index = std::next(word).base() - own->begin();
  own->erase(own->begin() + index);
  if (index > 0 && (*own)[static_cast<size_t>(index) - 1] == "help") {
    own->erase(own->begin() + index - 1);
  } else if (index > 0 && !(*own)[static_cast<size_t>(index) - 1].starts_with("-") && !IsVerb((*own)[static_cast<size_t>(index) - 1])) {
    return;  // refused as any word that is no verb
  }
  own->insert(own->begin(), "--help");
}

// CLI11 says what is wrong; this adds where the way out is written, and which verbs a wrong one is near to.
absl::Status CommandLine::Refusal(const CLI::ParseError& error) const {
  std::string verb;
  for (const CLI::App* parsed : app_.get_subcommands()) verb = " " + parsed->get_name();
  std::string cause = error.what();
  std::string nearest;
  if (verb.empty() && app_.remaining().empty()) cause = "verb: none given";
  if (verb.empty() && !app_.remaining().empty()) {
    const std::string word = app_.remaining().front();
    cause = fmt::format("'{}': no such verb", word);
    std::vector<std::string> names;
    for (const DeclaredVerb& declared : verbs_) names.push_back(declared.app->get_name());
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::vector<std::string_view> near = NearNames(word, known, kNearNamesShown);
    if (!near.empty()) nearest = fmt::format("did you mean {}? ", fmt::join(near, ", "));
  }
  return absl::InvalidArgumentError(
      fmt::format("{}{}: {}see `hftmon{} --help`", verb.empty() ? "" : verb.substr(1) + ": ", cause, nearest, verb));
}

absl::StatusOr<CommandLine::Parsed> CommandLine::Parse(const std::vector<std::string>& words) {
  Parsed parsed;
  // What follows `--` belongs to the command that `run` starts, whatever it looks like.
  const auto separator = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> own(std::make_reverse_iterator(separator), words.rend());  // CLI11 takes them last to first
  parsed.command.assign(separator == words.end() ? separator : separator + 1, words.end());
  if (const absl::Status status = CheckWords(own); !status.ok()) return status;
  AskForHelp(&own);
  try {
    app_.parse(own);
  } catch (const CLI::CallForHelp&) {
    const auto verb = std::find_if(verbs_.begin(), verbs_.end(), [](const DeclaredVerb& declared) { return declared.app->parsed(); });
    parsed.text = verb == verbs_.end() ? app_.help() : VerbHelp(*verb->app, verb->takes_command);
    return parsed;
  } catch (const CLI::CallForVersion& version) {
    parsed.text = std::string(version.what()) + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    return Refusal(error);
  }
  for (const DeclaredVerb& declared : verbs_) {
    if (declared.app->parsed()) parsed.verb = &declared;
  }
  return parsed;
}

}  // namespace hftmon
