// locks: what watched threads block in, and the locks that they wait for.
#include "client/cli/render/locks.h"

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class LocksVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("locks", "what watched threads block in, by system call, and whose locks they wait for");
    threads_.Declare(*verb, "thread ids, a list, of the calls (default: all)");
    verb->add_option("--window", window_, "of the locks: how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of processes attached with --probes locks. Calls: while their target asks, exact, whatever their length. Locks: from the single\n"
        "waits that attach --blocked asks for.\n"
        "Exit code 1: records were lost or overwritten in the window, no figures are to be had of a thread, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryLocksRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryLocks(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(LocksJson(*response)) : LocksText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "locks", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  ThreadFlags threads_;
  std::string window_ = "10s";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewLocksVerb() {
  return std::make_unique<LocksVerb>();
}

}  // namespace hftmon
