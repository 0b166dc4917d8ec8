// inversions: waits for locks whose owner is less urgent or does not run, and what priority inheritance did.
#include "client/cli/render/inversions.h"

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr int kInversionsMax = 100'000;

class InversionsVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("inversions", "waits for locks whose owner is less urgent or does not run, and priority inheritance");
    verb->add_option("-p,--pid", pids_, "process ids of targets, those of the waiters, a list (default: all)");
    verb->add_option("--window", window_, "how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_option("--min-duration", min_duration_, "only those that waited at least this long (default: any)");
    verb->add_option("--limit", limit_, "the most recent ones (default: 1000)");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of processes attached with --probes locks --blocked TIME: waits in futex above that time whose owner is known. One is an\n"
        "inversion when a real-time thread waits for a less urgent one, or anybody for one that does not run. Priorities are the owner's\n"
        "own, without what it inherits. Boosts are those of all targets' threads, whatever they were attached with.\n"
        "Exit code 1: records were lost or overwritten, nobody asks for such waits, or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Read();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryInversions(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(InversionsJson(*response)) : InversionsText(*response, context.zone));
    const std::vector<std::string> warnings = WarningsOf(*response, request->max_inversions());
    PrintWarnings(context.console, "inversions", warnings);
    const bool off = response->window().off_ns() > 0 && SayIfOff(context, **client, "inversions");
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  absl::StatusOr<v1::QueryInversionsRequest> Read() const {
    v1::QueryInversionsRequest request;
    const auto pids = ParseIds("--pid", pids_);
    if (!pids.ok()) return pids.status();
    request.mutable_pids()->Add(pids->begin(), pids->end());
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    if (!min_duration_.empty()) {
      const auto min_duration_ns = ParseDurationOption("--min-duration", min_duration_, kPastBlockedRange);
      if (!min_duration_ns.ok()) return min_duration_ns.status();
      request.set_min_duration_ns(*min_duration_ns);
    }
    if (!limit_.empty()) {
      const auto limit = ParseCount("--limit", limit_, 1, kInversionsMax);
      if (!limit.ok()) return limit.status();
      request.set_max_inversions(*limit);
    }
    return request;
  }

  std::vector<std::string> pids_;
  std::string window_ = "10s";
  std::string min_duration_;
  std::string limit_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewInversionsVerb() {
  return std::make_unique<InversionsVerb>();
}

}  // namespace hftmon
