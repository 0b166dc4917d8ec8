// irqs: what interrupts took from watched threads and on each CPU.
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/interrupts.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

class IrqsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("irqs", "what interrupts took from watched threads, and on each CPU");
    threads_.Declare(*verb);
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8 (default: all that had interrupts)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Threads: since watching of each began; CPUs: since the daemon started. Times are between the kernel's entry and exit of a "
        "handler.\n"
        "Exit code 1: threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::QueryInterruptsRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    if (!cpus_.empty()) {
      const auto cpus = ParseCpuList(cpus_);
      if (!cpus.ok()) return cpus.status();
      request.mutable_cpus()->Add(cpus->begin(), cpus->end());
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryInterrupts(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(InterruptsJson(*response)) : InterruptsText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "irqs", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  ThreadFlags threads_;
  std::string cpus_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewIrqsVerb() {
  return std::make_unique<IrqsVerb>();
}

}  // namespace hftmon
