#include "client/cli/counter_update.h"

#include "client/cli/option_values.h"

namespace hftmon {
namespace {

constexpr char kNoEvents[] = "none";

}  // namespace

void CounterUpdate::Declare(CLI::App& verb) {
  verb.add_option("--set", pids_,
                  "process ids: change what is counted of their threads to what the next three say; each wholly or not at all");
  verb.add_option("--counters", events_, "of --set: exactly these events, a list as attach takes it, or none")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  verb.add_option("--cache", cache_, "of --set: yes or no, the metrics of caches and TLBs too");
  verb.add_option("--counter-interval", interval_, "of --set: between two readings that are told apart, 1us to 1s");
}

absl::StatusOr<std::vector<int32_t>> CounterUpdate::Pids() const {
  return ParseIds("--set", pids_);
}

absl::StatusOr<v1::UpdateTargetRequest> CounterUpdate::Request() const {
  if (pids_.empty() && any_change()) {
    return absl::InvalidArgumentError("--counters, --cache and --counter-interval change targets: name them with --set");
  }
  if (!pids_.empty() && !any_change()) {
    return absl::InvalidArgumentError("--set: say what is to be counted: --counters LIST, --cache yes or --counter-interval 1ms");
  }
  v1::UpdateTargetRequest request;
  if (!events_.empty()) {
    const std::vector<std::string> events = SplitEventLists(events_);
    if (events != std::vector<std::string>{kNoEvents})
      request.mutable_options()->mutable_counter_events()->Add(events.begin(), events.end());
    request.mutable_options_mask()->add_paths("counter_events");
  }
  if (!cache_.empty()) {
    if (cache_ != "yes" && cache_ != "no") return absl::InvalidArgumentError("--cache " + cache_ + ": use yes or no");
    request.mutable_options()->set_cache(cache_ == "yes");
    request.mutable_options_mask()->add_paths("cache");
  }
  if (!interval_.empty()) {
    const absl::StatusOr<int64_t> interval_ns = ParseDurationOption("--counter-interval", interval_, kCounterIntervalRange);
    if (!interval_ns.ok()) return interval_ns.status();
    request.mutable_options()->set_counter_interval_ns(*interval_ns);
    request.mutable_options_mask()->add_paths("counter_interval_ns");
  }
  return request;
}

}  // namespace hftmon
