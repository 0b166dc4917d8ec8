#include "client/cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/table.h"
#include "client/cli/verbs/verbs.h"
#include "client/cli/word_check.h"
#include "client/cpp/errors.h"

namespace hftmon {
namespace {

// Options before or after the verb that every verb has.
struct GlobalOptions {
  std::string server = kDefaultServerAddress;
  std::string timeout = "5s";
  std::string pid_namespace;
};

struct DeclaredVerb {
  std::unique_ptr<Verb> verb;
  CLI::App* app = nullptr;
};

// Other ranges are fixed, and checked where the options are read.
constexpr char kWindowRefused[] =
    "--window: longer than window_max of hftmond's configuration (7d, unless it says otherwise): give a shorter one";

void PrintError(Console& console, const std::string& thing, const absl::Status& status) {
  const std::vector<FieldViolation> violations = DetailsOf(status).violations;
  if (violations.size() == 1 && violations[0].field == "window_ns") {
    // What `irqs` keeps has no "all".
    console.Err(fmt::format("hftmon: {}: {}{}\n", thing, kWindowRefused, thing == "irqs" ? "" : ", or `all`"));
    return;
  }
  std::string text = fmt::format("hftmon: {}: {}\n", thing, Printable(std::string(status.message())));
  for (const FieldViolation& violation : violations) {
    if (text.find(violation.description) != std::string::npos) continue;
    text += fmt::format("  {}: {}\n", Printable(violation.field), Printable(violation.description));
  }
  console.Err(text);
}

std::vector<DeclaredVerb> DeclareAll(CLI::App& app, GlobalOptions& options) {
  app.set_version_flag("--version", std::string("hftmon ") + HFTMON_VERSION);
  app.add_option("--server", options.server, "unix:PATH or a loopback HOST:PORT of the daemon")
      ->envname("HFTMON_SERVER")
      ->take_last()
      ->capture_default_str();
  app.add_option("--timeout", options.timeout, "of each call")->take_last()->capture_default_str();
  app.add_option(
         "--pid-namespace", options.pid_namespace,
         "process ids and thread ids given are those of the pid namespace that process PID is in (default: those of where hftmon runs)")
      ->type_name("PID")
      ->take_last();
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Durations are written 50us, 1ms, 10s. Exit codes: 0 fine, 1 warnings (lost records, an incomplete answer), 2 threshold reached,\n"
      "3 error, 130 interrupted.");
  std::vector<DeclaredVerb> declared;
  for (std::unique_ptr<Verb>& verb : AllVerbs()) {
    CLI::App* verb_app = verb->Declare(app);
    verb_app->fallthrough();
    declared.push_back({std::move(verb), verb_app});
  }
  return declared;
}

// `help` and `help VERB`, as people try first: the word is taken for --help when it stands where the verb does. `own` is in reverse.
void AskForHelp(const std::vector<DeclaredVerb>& verbs, std::vector<std::string>* own) {
  const auto is_verb = [&verbs](const std::string& word) {
    return std::any_of(verbs.begin(), verbs.end(), [&word](const DeclaredVerb& declared) { return declared.app->get_name() == word; });
  };
  const auto word = std::find_if(own->rbegin(), own->rend(), [&](const std::string& each) { return each == "help" || is_verb(each); });
  if (word == own->rend() || *word != "help") return;
  // In reverse: what follows it on the command line stands before it.
  const auto index = std::next(word).base() - own->begin();
  own->erase(own->begin() + index);
  if (index > 0 && (*own)[static_cast<size_t>(index) - 1] == "help") {
    own->erase(own->begin() + index - 1);
  } else if (index > 0 && !(*own)[static_cast<size_t>(index) - 1].starts_with("-") && !is_verb((*own)[static_cast<size_t>(index) - 1])) {
    return;  // refused as any word that is no verb
  }
  own->insert(own->begin(), "--help");
}

// CLI11 says what is wrong; this adds where the way out is written.
int RefuseWords(const CLI::ParseError& error, const CLI::App& app, Console& console) {
  std::string verb;
  for (const CLI::App* parsed : app.get_subcommands()) verb = " " + parsed->get_name();
  std::string cause = error.what();
  if (verb.empty()) cause = app.remaining().empty() ? "verb: none given" : fmt::format("'{}': no such verb", app.remaining().front());
  console.Err(fmt::format("hftmon:{} {}: see `hftmon{} --help`\n", verb.empty() ? "" : verb + ":", cause, verb));
  return kExitError;
}

absl::Status CheckWords(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (absl::Status status = CheckWord(word); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunVerb(const DeclaredVerb& declared, const GlobalOptions& options, const std::vector<std::string>& command,
                            Console& console, const absl::TimeZone& zone) {
  if (!command.empty() && !declared.verb->takes_command()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' after `--`: takes no command: leave it out, or use `hftmon run -- CMD`", command[0]));
  }
  const absl::StatusOr<int64_t> timeout_ns = ParseDurationOption("--timeout", options.timeout);
  if (!timeout_ns.ok()) return timeout_ns.status();
  Context context{console, zone, options.server, *timeout_ns, command};
  if (!options.pid_namespace.empty()) {
    const auto pid = ParseIds("--pid-namespace", {options.pid_namespace});
    if (!pid.ok()) return pid.status();
    if (pid->size() != 1) return absl::InvalidArgumentError("--pid-namespace: more than one process: name one");
    context.pid_namespace_of = pid->front();
  }
  return declared.verb->Run(context);
}

// A reader that went away (`| head`) had what it wanted; a disk that is full is an error.
int CheckOutput(int exit_code, Console& console) {
  if (console.out_error() == 0 || console.out_error() == EPIPE) return exit_code;
  console.Err(
      fmt::format("hftmon: standard output: {}: what was printed is not complete; mend where it goes\n", strerror(console.out_error())));
  return kExitError;
}

}  // namespace

int RunCli(const std::vector<std::string>& words, Console& console, const absl::TimeZone& zone) {
  CLI::App app{"Why did this thread stall? Asks hftmond, the low-latency monitor.", "hftmon"};
  GlobalOptions options;
  const std::vector<DeclaredVerb> verbs = DeclareAll(app, options);
  // What follows `--` belongs to the command that `run` starts, whatever it looks like.
  const auto separator = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> own(std::make_reverse_iterator(separator), words.rend());  // CLI11 takes them last to first
  const std::vector<std::string> command(separator == words.end() ? separator : separator + 1, words.end());
  if (const absl::Status status = CheckWords(own); !status.ok()) {
    console.Err(fmt::format("hftmon: {}\n", std::string(status.message())));
    return kExitError;
  }
  AskForHelp(verbs, &own);
  try {
    app.parse(own);
  } catch (const CLI::CallForHelp&) {
    console.Out(app.help());
    return CheckOutput(kExitFine, console);
  } catch (const CLI::CallForVersion& version) {
    console.Out(std::string(version.what()) + "\n");
    return CheckOutput(kExitFine, console);
  } catch (const CLI::ParseError& error) {
    return RefuseWords(error, app, console);
  }
  for (const DeclaredVerb& declared : verbs) {
    if (!declared.app->parsed()) continue;
    absl::Status values = CheckNoEmptyValue(app);
    if (values.ok()) values = CheckNoEmptyValue(*declared.app);
    const absl::StatusOr<int> exit_code = values.ok() ? RunVerb(declared, options, command, console, zone) : values;
    if (exit_code.ok()) return CheckOutput(*exit_code, console);
    PrintError(console, declared.app->get_name(), exit_code.status());
  }
  return kExitError;
}

int CliMain(int argc, char** argv) {
  // A descriptor 0 to 2 that the caller closed would be taken by a socket, and text be printed into it.
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    break;
  }
  signal(SIGPIPE, SIG_IGN);
  ProcessConsole console;
  return RunCli(std::vector<std::string>(argv + 1, argv + argc), console, absl::LocalTimeZone());
}

}  // namespace hftmon
