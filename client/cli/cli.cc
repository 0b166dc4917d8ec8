#include "client/cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "client/cli/command_line.h"
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/table.h"
#include "client/cli/verbs/verb.h"
#include "client/cli/word_check.h"
#include "client/cpp/errors.h"

namespace hftmon {
namespace {

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

absl::StatusOr<int> RunVerb(const DeclaredVerb& declared, const GlobalOptions& options, const std::vector<std::string>& command,
                            Console& console, const absl::TimeZone& zone) {
  if (!command.empty() && !declared.takes_command) {
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
  CommandLine line;
  const absl::StatusOr<CommandLine::Parsed> parsed = line.Parse(words);
  if (!parsed.ok()) {
    console.Err(fmt::format("hftmon: {}\n", std::string(parsed.status().message())));
    return kExitError;
  }
  if (parsed->verb == nullptr) {
    console.Out(parsed->text);
    return CheckOutput(kExitFine, console);
  }
  absl::Status values = CheckNoEmptyValue(line.app());
  if (values.ok()) values = CheckNoEmptyValue(*parsed->verb->app);
  const absl::StatusOr<int> exit_code = values.ok() ? RunVerb(*parsed->verb, line.options(), parsed->command, console, zone) : values;
  if (exit_code.ok()) return CheckOutput(*exit_code, console);
  PrintError(console, parsed->verb->app->get_name(), exit_code.status());
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
