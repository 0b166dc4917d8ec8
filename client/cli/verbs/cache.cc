// cache: hit ratios, misses and instructions per cycle of watched threads, from the processor's counters, and any other event that is
// counted.
#include "client/cli/render/cache.h"

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

class CacheVerb : public Verb {
 public:
  CLI::App* Declare(CLI::App& app) override {
    CLI::App* verb =
        app.add_subcommand("cache", "cache and TLB hit ratios, misses, instructions per cycle of watched threads over a window");
    threads_.Declare(*verb);
    verb->add_option("--window", window_, "how far back from now, or `all` that is kept")->capture_default_str();
    verb->add_option("--percentiles", percentiles_, "of the rates: a list, each above 0 and below 100")->capture_default_str();
    verb->add_flag("--counts", counts_, "also list what was counted, in the window and since the thread is counted");
    verb->add_flag("--now", now_, "also read what the processes of -p run now: that interrupts each CPU that one of their threads runs on");
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of processes whose counters attach asks for. A thread's counters are read when it leaves its CPU and at that CPU's ticks; what "
        "was\n"
        "counted between two readings is a span. A percentile is of the thread's time on its CPU: for so much of it the rate was at most\n"
        "that; it needs ten spans on either side. The bad end of a hit ratio is the low one.\n"
        "Exit code 1: nothing is counted (the answer says why), spans were lost or are no longer kept, no figures are to be had of a "
        "thread,\n"
        "or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    const auto request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryCache(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(CacheJson(*response)) : CacheText(*response, counts_));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "cache", warnings);
    const bool off = response->window().off_ns() > 0 && SayIfOff(context, **client, "cache");
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  absl::StatusOr<v1::QueryCacheRequest> Request() const {
    v1::QueryCacheRequest request;
    if (const absl::Status status = threads_.AddTo(&request); !status.ok()) return status;
    const auto percentiles = ParsePercentiles("--percentiles", {percentiles_});
    if (!percentiles.ok()) return percentiles.status();
    request.mutable_percentiles()->Add(percentiles->begin(), percentiles->end());
    const auto window_ns = ParseWindow(window_);
    if (!window_ns.ok()) return window_ns.status();
    request.set_window_ns(*window_ns);
    if (now_ && request.pids().empty()) {
      return absl::InvalidArgumentError("--now interrupts the CPUs on which the processes run: name them with -p");
    }
    request.set_read_now(now_);
    return request;
  }

  ThreadFlags threads_;
  std::string window_ = "10s";
  std::string percentiles_ = "1,50,99,99.9";
  bool counts_ = false;
  bool now_ = false;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> NewCacheVerb() {
  return std::make_unique<CacheVerb>();
}

}  // namespace hftmon
