// metrics: snapshots of chosen metrics, one a period.
#include "client/cli/render/metrics.h"

#include "client/cli/exit_code.h"
#include "client/cli/follow.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr int kCountMax = 1'000'000'000;

class MetricsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb = app.add_subcommand("metrics", "snapshots of metrics, one a period, until ^C");
    verb->add_option("-p,--pid", pids_, "process ids of targets, a list (default: all)");
    verb->add_option("--metrics", metrics_, "names, a list (default: all; --list shows them)");
    verb->add_option("--period", period_, "time between snapshots")->capture_default_str();
    verb->add_option("--count", count_, "stop after so many");
    verb->add_flag("--per-thread", per_thread_, "one sample a thread instead of one a target");
    verb->add_flag("--list", list_, "name the metrics there are, and stop");
    verb->add_flag("--json", json_, "print one JSON object a line");
    verb->footer(
        "Metrics of what threads count (attach --cache, --counters) are of what was read out since the snapshot before. Why one has no "
        "value is\n"
        "told once, until it is otherwise.\n"
        "Exit code 1: records or spans of counters were lost, threads were not watched, the programs were off, what was asked for by its "
        "name\n"
        "is unavailable, or snapshots were missed because the output was read too slowly.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Request();
    if (!request.ok()) return request.status();
    int32_t remaining = kCountMax;
    if (!count_.empty()) {
      const auto count = ParseCount("--count", count_, 1, kCountMax);
      if (!count.ok()) return count.status();
      remaining = *count;
    }
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto catalogue = (*client)->ListMetrics();
    if (!catalogue.ok()) return catalogue.status();
    if (list_) {
      context.console.Out(json_ ? JsonLine(MetricListJson(*catalogue)) : MetricListText(*catalogue));
      return kExitFine;
    }
    const MetricUnits units = UnitsOf(*catalogue);
    bool off_said = SayIfOff(context, **client, "metrics");
    bool warned = off_said;
    const auto print = [&](const v1::WatchMetricsResponse& response) {
      warned = warned || response.lost_counter_span_count() > 0 || (!metrics_.empty() && response.unavailable_size() > 0);
      warned = warned || response.dropped() > 0 || response.lost_records() > 0 || response.unslotted_thread_count() > 0;
      // Switched off later.
      if (!off_said && response.window().off_ns() > 0) off_said = SayIfOff(context, **client, "metrics");
      warned = warned || response.window().off_ns() > 0;
      --remaining;
      return context.console.Out(json_ ? JsonLine(MetricsJson(response)) : MetricsText(response, units, context.zone) + "\n") &&
             remaining > 0;
    };
    const auto end = Follow<v1::WatchMetricsResponse>(
        context.console, [&] { return (*client)->WatchMetrics(*request); }, print);
    if (!end.ok() || *end != kExitFine) return end;
    return warned ? kExitWarnings : kExitFine;
  }

 private:
  absl::StatusOr<v1::WatchMetricsRequest> Request() const {
    v1::WatchMetricsRequest request;
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    request.mutable_pids()->Add(pids->begin(), pids->end());
    for (const std::string& metric : SplitLists(metrics_)) request.add_metrics(metric);
    const auto period_ns = ParseDurationOption("--period", period_, kPeriodRange);
    if (!period_ns.ok()) return period_ns.status();
    request.set_period_ns(*period_ns);
    request.set_per_thread(per_thread_);
    return request;
  }

  std::vector<std::string> pids_;
  std::vector<std::string> metrics_;
  std::string period_ = "1s";
  std::string count_;
  bool per_thread_ = false;
  bool list_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewMetricsVerb() {
  return std::make_unique<MetricsVerb>();
}

}  // namespace hftmon
