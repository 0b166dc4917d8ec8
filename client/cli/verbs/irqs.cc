// irqs: what interrupts took from watched threads and on each CPU.
#include "client/cli/exit_code.h"
#include "client/cli/interrupts_between.h"
#include "client/cli/option_values.h"
#include "client/cli/pause.h"
#include "client/cli/render/interrupts.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"
#include "common/counted.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

class IrqsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("irqs", "what interrupts took from watched threads, and on each CPU");
    threads_.Declare(*verb);
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8 (default: all that had interrupts)");
    verb->add_option("--for", duration_, "ask twice, so far apart, and print the difference with its rates (default: ask once)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Threads: since watching of each began; CPUs: since the daemon started; with --for both of that time alone (^C ends it). Times are "
        "between the kernel's entry and exit of a "
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
    int64_t duration_ns = 0;
    if (!duration_.empty()) {
      const auto parsed = ParseDurationOption("--for", duration_, kPeriodRange);
      if (!parsed.ok()) return parsed.status();
      duration_ns = *parsed;
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryInterrupts(request);
    if (!response.ok()) return response.status();
    if (duration_ns > 0) return Between(context, **client, request, *response, duration_ns);
    context.console.Out(json_ ? JsonLine(InterruptsJson(*response)) : InterruptsText(*response));
    return Warn(context, WarningsOf(*response));
  }

 private:
  absl::StatusOr<int> Between(const Context& context, const Client& client, const v1::QueryInterruptsRequest& request,
                              const v1::QueryInterruptsResponse& first, int64_t duration_ns) const {
    const auto signal = Pause(context.console, duration_ns);
    if (!signal.ok()) return signal.status();
    const auto second = client.QueryInterrupts(request);
    if (!second.ok()) return second.status();
    const InterruptsSpan span = InterruptsBetween(first, *second);
    context.console.Out(json_ ? JsonLine(InterruptsJson(span)) : InterruptsText(span));
    std::vector<std::string> warnings = WarningsOf(*second);
    if (span.lost_thread_count > 0) {
      warnings.push_back(Counted(span.lost_thread_count, "thread") +
                         " ended or was watched no more: what interrupts took from them meanwhile is in no thread's figure");
    }
    const int exit_code = Warn(context, warnings);
    return *signal != 0 ? kExitSignalBase + *signal : exit_code;
  }

  static int Warn(const Context& context, const std::vector<std::string>& warnings) {
    PrintWarnings(context.console, "irqs", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

  ThreadFlags threads_;
  std::string cpus_;
  std::string duration_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewIrqsVerb() {
  return std::make_unique<IrqsVerb>();
}

}  // namespace hftmon
