// memory: what page faults and flushes of the TLB take from watched threads, and where the long faults happened.
#include "client/cli/render/memory.h"

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class MemoryVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("memory", "page faults and TLB flushes of watched threads, and where the long faults happened");
    threads_.Declare(*verb, "thread ids, a list, of the sums by thread (default: all)");
    verb->add_option("--window", window_, "of the mappings: how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of processes attached with --probes memory. Sums: while their target asks, of all, whatever their length. Mappings: from the\n"
        "faults above attach --threshold, which are spikes too.\n"
        "Exit code 1: records were lost or overwritten in the window, single faults were not recorded in a part of it, no figures are\n"
        "to be had of a thread, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryMemoryRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryMemory(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(MemoryJson(*response)) : MemoryText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "memory", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  ThreadFlags threads_;
  std::string window_ = "10s";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewMemoryVerb() {
  return std::make_unique<MemoryVerb>();
}

}  // namespace hftmon
