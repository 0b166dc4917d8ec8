// switches: counts, run-queue latency and off-CPU time of watched threads over a window.
#include "client/cli/render/switches.h"

#include "client/cli/exit_code.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr int kEventsMax = 100'000;

class SwitchesVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("switches", "context switches of watched threads over a window");
    threads_.Declare(*verb);
    verb->add_option("--window", window_, "how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_option("--percentiles", percentiles_, "a list, each above 0 and below 100")->capture_default_str();
    verb->add_option("--min-duration", min_duration_, "also list every off-CPU interval at least this long");
    verb->add_option("--limit", limit_, "most recent intervals listed (default: 1000)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Exit code 1: records were lost in the window, the list of intervals is incomplete, or threads were not watched. The counts of "
        "those that "
        "were are exact all the same.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryContextSwitches(*request);
    if (!response.ok()) return response.status();
    const bool events_asked = request->min_duration_ns() > 0;
    if (json_) {
      context.console.Out(JsonLine(SwitchesJson(*response, events_asked)));
    } else {
      const std::vector<double> asked(request->percentiles().begin(), request->percentiles().end());
      context.console.Out(SwitchesText(*response) + PercentilesLeftOut(*response, asked, request->window_ns() == 0));
    }
    const std::vector<std::string> warnings = WarningsOf(*response, request->min_duration_ns());
    PrintWarnings(context.console, "switches", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

 private:
  absl::StatusOr<v1::QueryContextSwitchesRequest> Request() const {
    v1::QueryContextSwitchesRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto percentiles = ParsePercentiles("--percentiles", {percentiles_});
    if (!percentiles.ok()) return percentiles.status();
    request.mutable_percentiles()->Add(percentiles->begin(), percentiles->end());
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    if (!min_duration_.empty()) {
      const auto min_duration_ns = ParseDurationOption("--min-duration", min_duration_, kPastBlockedRange);
      if (!min_duration_ns.ok()) return min_duration_ns.status();
      request.set_min_duration_ns(*min_duration_ns);
    }
    if (!limit_.empty()) {
      const auto limit = ParseCount("--limit", limit_, 1, kEventsMax);
      if (!limit.ok()) return limit.status();
      request.set_max_events(*limit);
    }
    return request;
  }

  ThreadFlags threads_;
  std::string window_ = "10s";
  std::string percentiles_ = "50,95,99,99.9";
  std::string min_duration_;
  std::string limit_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewSwitchesVerb() {
  return std::make_unique<SwitchesVerb>();
}

}  // namespace hftmon
