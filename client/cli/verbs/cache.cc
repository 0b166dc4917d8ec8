// cache: hit ratios, misses and instructions per cycle of watched threads, from the processor's counters, and any other event that is
// counted.
#include "client/cli/render/cache.h"

#include "client/cli/exit_code.h"
#include "client/cli/off_notice.h"
#include "client/cli/option_values.h"
#include "client/cli/render/counter_samples.h"
#include "client/cli/render/warnings.h"
#include "client/cli/thread_flags.h"
#include "client/cli/verbs/verbs.h"

namespace hftmon {
namespace {

constexpr char kWindowDefault[] = "10s";
constexpr DurationRange kForRange{1'000'000, 10'000'000'000, "1ms to 10s"};
constexpr int32_t kRateMaxHz = 100'000;

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
    verb->add_option("--rate", rate_,
                     "read the counters of the process of -p so often in each second that a thread runs, 1 to 100000, from now on: each "
                     "reading interrupts the thread");
    verb->add_option("--for", duration_, "with --rate: how long, 1ms to 10s (default: 1s)");
    verb->add_option("--by", by_, "with --rate: what overflows, cycles or cpu-clock (default: cycles where they can be sampled)");
    verb->add_option("--counters", events_, "with --rate: the events, a list as attach has it (default: those that are counted, or caches)")
        ->take_all()
        ->expected(1)
        ->allow_extra_args(false);
    verb->add_flag("--json", json_, "print one JSON object");
    verb->footer(
        "Of processes whose counters attach asks for. A thread's counters are read when it leaves its CPU and at that CPU's ticks; what "
        "was\n"
        "counted between two readings is a span. A percentile is of the thread's time on its CPU: for so much of it the rate was at most\n"
        "that; it needs ten spans on either side. The bad end of a hit ratio is the low one.\n"
        "With --rate it need not be counted already, and a thread is read that neither switches nor is ticked; quiet mode refuses it.\n"
        "Exit code 1: nothing is counted (the answer says why), spans were lost or are no longer kept, no figures are to be had of a "
        "thread,\n"
        "or threads were not watched.");
    return verb;
  }

  absl::StatusOr<int> Run(const Context& context) override {
    if (!rate_.empty()) return Sample(context);
    if (!duration_.empty() || !by_.empty() || !events_.empty()) {
      return absl::InvalidArgumentError("--for, --by and --counters are of readings at a --rate: give one");
    }
    const auto request = Request();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->QueryCache(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(CacheJson(*response)) : CacheText(*response, counts_) + NowText(*response));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "cache", warnings);
    const bool off = response->window().off_ns() > 0 && SayIfOff(context, **client, "cache");
    return off || !warnings.empty() ? kExitWarnings : kExitFine;
  }

 private:
  // Interrupts that there were are told by CacheText.
  std::string NowText(const v1::QueryCacheResponse& response) const {
    const bool none = now_ && response.available() && response.read_now_error().empty() && response.cross_call_count() == 0;
    return none ? "read now: no interrupt was needed\n" : "";
  }

  absl::StatusOr<int> Sample(const Context& context) const {
    const auto request = SamplingRequest();
    if (!request.ok()) return request.status();
    const auto client = context.Connect();
    if (!client.ok()) return client.status();
    const auto response = (*client)->SampleCounters(*request);
    if (!response.ok()) return response.status();
    context.console.Out(json_ ? JsonLine(CounterSamplesJson(*response)) : CounterSamplesText(*response, counts_));
    const std::vector<std::string> warnings = WarningsOf(*response);
    PrintWarnings(context.console, "cache", warnings);
    return warnings.empty() ? kExitFine : kExitWarnings;
  }

  absl::StatusOr<v1::SampleCountersRequest> SamplingRequest() const {
    v1::QueryCacheRequest selected;
    if (const absl::Status status = threads_.AddTo(&selected); !status.ok()) return status;
    if (selected.pids_size() != 1 || selected.tids_size() != 0 || now_ || window_ != kWindowDefault) {
      return absl::InvalidArgumentError(
          "--rate reads all threads of one process, from now on: name it with -p, and leave out -t, --window and --now");
    }
    v1::SampleCountersRequest request;
    request.set_pid(selected.pids(0));
    const auto rate_hz = ParseCount("--rate", rate_, 1, kRateMaxHz);
    if (!rate_hz.ok()) return rate_hz.status();
    request.set_rate_hz(*rate_hz);
    const auto duration_ns = ParseDurationOption("--for", duration_.empty() ? "1s" : duration_, kForRange);
    if (!duration_ns.ok()) return duration_ns.status();
    request.set_duration_ns(*duration_ns);
    if (by_ == "cycles") request.set_by(v1::OVERFLOW_BY_CYCLES);
    if (by_ == "cpu-clock") request.set_by(v1::OVERFLOW_BY_CPU_CLOCK);
    if (!by_.empty() && request.by() == v1::OVERFLOW_BY_UNSPECIFIED) {
      return absl::InvalidArgumentError("--by " + by_ + ": there is none such: give cycles or cpu-clock");
    }
    for (const std::string& event : SplitEventLists(events_)) request.add_events(event);
    const auto percentiles = ParsePercentiles("--percentiles", {percentiles_});
    if (!percentiles.ok()) return percentiles.status();
    request.mutable_percentiles()->Add(percentiles->begin(), percentiles->end());
    return request;
  }

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
  std::string window_ = kWindowDefault;
  std::string rate_;
  std::string duration_;
  std::string by_;
  std::vector<std::string> events_;
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
