// threads: how watched threads are scheduled, where their time went, and how late periodic ones woke up.
#include "client/cli/render/threads.h"

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr DurationRange kThreadPeriodRange{1'000, 60'000'000'000, "1us to 1m"};

class ThreadsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("threads", "policy, affinity and changes of both, the split of watched threads' time, jitter");
    threads_.Declare(*verb);
    verb->add_option("--window", window_, "how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_option("--period", period_, "of the threads' wake-ups (default: found in each thread's own)");
    verb->add_option("--percentiles", percentiles_, "of wake-up lateness: a list, each above 0 and below 100")->capture_default_str();
    verb->add_flag("--changes", changes_, "also list the changes of policy, priority, affinity …");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Each row's parts are of the time that the thread lived in the window and was watched. Scheduling is looked at once a second:\n"
        "a change lies within the second before it was found, and two within one second are one, or none where the second undoes the "
        "first.\n"
        "Periodic wake-ups are late until the scheduler switches to the thread; until it is back in its program with attach\n"
        "--probes returns, which all system calls of the host pay for (attach --help).\n"
        "Exit code 1: records were lost in the window, changes of it are no longer kept, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryThreads(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(ThreadsJson(*response)) : ThreadsText(*response, changes_));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "threads", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  absl::StatusOr<v1::QueryThreadsRequest> Request() const {
    v1::QueryThreadsRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto percentiles = ParsePercentiles("--percentiles", {percentiles_});
    if (!percentiles.ok()) return percentiles.status();
    request.mutable_percentiles()->Add(percentiles->begin(), percentiles->end());
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    if (!period_.empty()) {
      const auto period_ns = ParseDurationOption("--period", period_, kThreadPeriodRange);
      if (!period_ns.ok()) return period_ns.status();
      request.set_period_ns(*period_ns);
    }
    return request;
  }

  ThreadFlags threads_;
  std::string window_ = "10s";
  std::string period_;
  std::string percentiles_ = "50,95,99,99.9";
  bool changes_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewThreadsVerb() {
  return std::make_unique<ThreadsVerb>();
}

}  // namespace hftmon
