// operations: how long the operations took that programs mark themselves.
#include "client/cli/render/operations.h"

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class OperationsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("operations", "how long the operations took that watched programs mark themselves (client/marker)");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_option("--percentiles", percentiles_, "a list, e.g. 50,99,99.9 (default: 50,90,95,99,99.9,99.999)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of each marker file of a watched process, since the daemon has read it: begin to end in the processor's own counter, on the "
        "thread "
        "that marked.\n"
        "A percentile needs 10 / (1 - p) operations behind it; without them it is left out.\n"
        "Exit code 1: marks were overwritten before they were read or cannot be true, a file cannot be read, or this daemon reads no "
        "marks.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryOperationsRequest request;
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    request.mutable_pids()->Add(pids->begin(), pids->end());
    if (!percentiles_.empty()) {
      const auto percentiles = ParsePercentiles("--percentiles", {percentiles_});
      if (!percentiles.ok()) return percentiles.status();
      request.mutable_percentiles()->Add(percentiles->begin(), percentiles->end());
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryOperations(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(OperationsJson(*response)) : OperationsText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "operations", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  std::vector<std::string> pids_;
  std::string percentiles_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewOperationsVerb() {
  return std::make_unique<OperationsVerb>();
}

}  // namespace hftmon
