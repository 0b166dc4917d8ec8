// sample: what CPUs do, looked at up to a million times a second.
#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/states.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

constexpr DurationRange kDurationRange{1'000'000, 10'000'000'000, "1ms to 10s"};
constexpr DurationRange kTickRange{1'000, 100'000'000, "1us to 100ms"};

class SampleVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("sample", "what CPUs do, looked at up to a million times a second by the daemon's own CPU");
    verb->add_option("--cpus", cpus_, "CPUs, e.g. 2-5,8 (default: those that watched threads ran on last)");
    verb->add_option("--duration", duration_, "how long, 1ms to 10s (default: 1s)");
    verb->add_option("--interval", interval_, "between two ticks, 1us to 100ms (default: 1us)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "What can be had at 1 MHz: the running thread and how long it has been there, idle, the interrupt level in progress and how "
        "long it lasts, watched threads that wait for the CPU. Nothing is sent to the CPUs that are looked at; their next write to a "
        "line that was read fetches it back. The daemon's CPU does not rest while it lasts.\n"
        "Exit code 1: fewer than 99 % of the ticks were within 1us, or a CPU's running thread was not known.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    v1::SampleStateRequest request;
    if (!cpus_.empty()) {
      const auto cpus = ParseCpuList(cpus_);
      if (!cpus.ok()) return cpus.status();
      request.set_cpus(FormatCpuList(*cpus));
    }
    if (!duration_.empty()) {
      const auto duration_ns = ParseDurationOption("--duration", duration_, kDurationRange);
      if (!duration_ns.ok()) return duration_ns.status();
      request.set_duration_ns(*duration_ns);
    }
    if (!interval_.empty()) {
      const auto interval_ns = ParseDurationOption("--interval", interval_, kTickRange);
      if (!interval_ns.ok()) return interval_ns.status();
      request.set_interval_ns(*interval_ns);
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->SampleState(request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(StatesJson(*response)) : StatesText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "sample", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  std::string cpus_;
  std::string duration_;
  std::string interval_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewSampleVerb() {
  return std::make_unique<SampleVerb>();
}

}  // namespace hftmon
