#include "client/cli/render/counter_samples.h"

#include <fmt/format.h>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/cache.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

// Below it the rate was missed: of cycles it is that of the top frequency, which a CPU need not have.
constexpr double kAchievedShareMin = 0.5;

int64_t DurationNs(const v1::SampleCountersResponse& response) {
  return response.end_monotonic_ns() - response.begin_monotonic_ns();
}

std::string RateText(bool known, double rate_hz) {
  return known ? fmt::format("{:.0f}", rate_hz) : "";
}

std::string HeadText(const v1::SampleCountersResponse& response) {
  const v1::CounterOverflow& overflow = response.overflow();
  std::string text = fmt::format(
      "process {} for {}: {} of {}, {} a second asked for{}\n", response.pid(), FormatDuration(DurationNs(response)),
      Counted(response.coverage().sample_count(), "sample"), Counted(response.coverage().thread_count(), "thread"),
      overflow.asked_rate_hz(),
      overflow.has_achieved_rate_hz() ? fmt::format(", {:.0f} a second on a CPU achieved", overflow.achieved_rate_hz()) : std::string());
  text += fmt::format("by {}: {}\n", Printable(overflow.event()), Printable(overflow.reason()));
  if (response.has_narrowest_span_ns()) {
    text += fmt::format("in spans of {} to {}, {} in the mean, a thread's sleeps and waits included\n",
                        FormatDuration(response.narrowest_span_ns()), FormatDuration(response.widest_span_ns()),
                        FormatDuration(response.mean_span_ns()));
  }
  if (response.coverage().born_thread_count() > 0) {
    text +=
        fmt::format("{} made meanwhile, counted since\n", Counted(response.coverage().born_thread_count(), "thread was", "threads were"));
  }
  const v1::CounterSamplingCost& cost = response.cost();
  return text + fmt::format("cost: {} of its threads, at most {} for {}; {} KiB of locked memory, {} of the daemon's CPU time\n",
                            Counted(cost.interrupt_count(), "interrupt"), Counted(cost.cross_call_count_max(), "cross-call"),
                            Counted(cost.event_count(), "event"), cost.ring_bytes() >> 10, FormatDuration(cost.daemon_cpu_ns()));
}

std::string InterruptTable(const v1::SampleCountersResponse& response) {
  Table table({{"thread", Table::Align::kLeft}, {"tid"}, {"interrupts"}, {"a second"}, {"lost"}, {"held back"}, {"for"}});
  for (const v1::CounterSampledThread& thread : response.threads()) {
    const v1::ThreadId& id = thread.cache().thread();
    table.AddRow({Printable(id.comm()), BothNumbers(id.tid(), id.namespace_tid()), std::to_string(thread.interrupt_count()),
                  RateText(thread.has_achieved_rate_hz(), thread.achieved_rate_hz()), std::to_string(thread.lost_count()),
                  std::to_string(thread.throttle_count()), FormatDuration(thread.throttled_ns())});
  }
  return table.empty() ? "" : "\n" + table.Print();
}

// What both kinds of answer have, as that of a window has it.
v1::QueryCacheResponse ViewOf(const v1::SampleCountersResponse& response) {
  v1::QueryCacheResponse view;
  view.set_available(true);
  *view.mutable_events() = response.events();
  *view.mutable_rates() = response.rates();
  *view.mutable_unavailable() = response.unavailable();
  for (const v1::CounterSampledThread& thread : response.threads()) *view.add_threads() = thread.cache();
  return view;
}

Json ThreadJson(const v1::CounterSampledThread& thread) {
  Json json = ThreadCacheJson(thread.cache());
  json["interrupt_count"] = thread.interrupt_count();
  if (thread.has_achieved_rate_hz()) json["achieved_rate_hz"] = thread.achieved_rate_hz();
  if (thread.has_narrowest_span_ns()) json["narrowest_span_ns"] = thread.narrowest_span_ns();
  json["lost_count"] = thread.lost_count();
  json["throttle_count"] = thread.throttle_count();
  json["throttled_ns"] = thread.throttled_ns();
  json["throttled_span_count"] = thread.throttled_span_count();
  json["born"] = thread.born();
  return json;
}

Json OverflowJson(const v1::CounterOverflow& overflow) {
  Json json{{"event", overflow.event()},
            {"period", overflow.period()},
            {"reason", overflow.reason()},
            {"asked_rate_hz", overflow.asked_rate_hz()}};
  if (overflow.has_achieved_rate_hz()) json["achieved_rate_hz"] = overflow.achieved_rate_hz();
  if (overflow.has_max_sample_rate_hz()) json["max_sample_rate_hz"] = overflow.max_sample_rate_hz();
  return json;
}

Json CostJson(const v1::CounterSamplingCost& cost) {
  return {{"interrupt_count", cost.interrupt_count()},
          {"event_count", cost.event_count()},
          {"cross_call_count_max", cost.cross_call_count_max()},
          {"ring_bytes", cost.ring_bytes()},
          {"daemon_cpu_ns", cost.daemon_cpu_ns()}};
}

Json CoverageJson(const v1::CounterSamplingCoverage& coverage) {
  Json json{{"sample_count", coverage.sample_count()},
            {"thread_count", coverage.thread_count()},
            {"born_thread_count", coverage.born_thread_count()},
            {"unsampled_thread_count", coverage.unsampled_thread_count()}};
  if (!coverage.unsampled_reason().empty()) json["unsampled_reason"] = coverage.unsampled_reason();
  json["lost_count"] = coverage.lost_count();
  json["undecoded_count"] = coverage.undecoded_count();
  json["discarded_count"] = coverage.discarded_count();
  json["damage_count"] = coverage.damage_count();
  json["throttle_count"] = coverage.throttle_count();
  json["throttled_ns"] = coverage.throttled_ns();
  json["complete"] = coverage.complete();
  return json;
}

void AddLosses(const v1::CounterSamplingCoverage& coverage, std::vector<std::string>* warnings) {
  const auto add = [warnings](uint64_t count, const std::string& what) {
    if (count > 0) warnings->push_back(fmt::format("{} {}", Counted(count, "sample"), what));
  };
  add(coverage.lost_count(), "lost: the rings were full: spans are longer there, counts have it all: give a lower --rate");
  add(coverage.undecoded_count(), "not understood: they are not as they were asked for: report it");
  add(coverage.discarded_count(), "discarded: time or a value went backwards: what was counted until them is missing");
  if (coverage.damage_count() > 0) {
    warnings->push_back(fmt::format("what stood in a ring could not be {}: samples are missing, counts have it all: sample again",
                                    Counted(coverage.damage_count(), "time")));
  }
  if (coverage.throttle_count() > 0) {
    warnings->push_back(
        fmt::format("the kernel held sampling back {}, for {} in all; kernels from 6.16 on count nothing meanwhile, so "
                    "counts are at least so much: give a lower --rate",
                    Counted(coverage.throttle_count(), "time"), FormatDuration(coverage.throttled_ns())));
  }
  if (coverage.unsampled_thread_count() > 0) {
    warnings->push_back(fmt::format("{} not counted: {}", Counted(coverage.unsampled_thread_count(), "new thread was", "new threads were"),
                                    Printable(coverage.unsampled_reason())));
  }
}

}  // namespace

std::string CounterSamplesText(const v1::SampleCountersResponse& response, bool counts) {
  return HeadText(response) + CacheTables(ViewOf(response), counts) + InterruptTable(response);
}

Json CounterSamplesJson(const v1::SampleCountersResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["pid"] = response.pid();
  if (response.namespace_pid() != 0) json["namespace_pid"] = response.namespace_pid();
  json["begin_ns"] = response.begin_monotonic_ns();
  json["end_ns"] = response.end_monotonic_ns();
  json["process_ended"] = response.process_ended();
  json["overflow"] = OverflowJson(response.overflow());
  if (response.has_narrowest_span_ns()) json["narrowest_span_ns"] = response.narrowest_span_ns();
  if (response.has_mean_span_ns()) json["mean_span_ns"] = response.mean_span_ns();
  if (response.has_widest_span_ns()) json["widest_span_ns"] = response.widest_span_ns();
  AddCounterSetJson(response, &json);
  json["threads"] = Json::array();
  for (const v1::CounterSampledThread& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["cost"] = CostJson(response.cost());
  json["coverage"] = CoverageJson(response.coverage());
  json["warnings"] = WarningsOf(response);
  return json;
}

std::vector<std::string> WarningsOf(const v1::SampleCountersResponse& response) {
  std::vector<std::string> warnings;
  const v1::CounterOverflow& overflow = response.overflow();
  AddLosses(response.coverage(), &warnings);
  if (overflow.has_max_sample_rate_hz() && overflow.asked_rate_hz() > overflow.max_sample_rate_hz()) {
    warnings.push_back(
        fmt::format("{} samples a second are more than kernel.perf_event_max_sample_rate, {}, lets a CPU take: give a lower "
                    "--rate, or raise it",
                    overflow.asked_rate_hz(), overflow.max_sample_rate_hz()));
  }
  if (overflow.has_achieved_rate_hz() && overflow.achieved_rate_hz() < kAchievedShareMin * static_cast<double>(overflow.asked_rate_hz())) {
    warnings.push_back(
        fmt::format("{:.0f} samples for each second on a CPU, {} were asked for: its threads run for less than a period at a "
                    "time, the clock is slower than the top frequency, or the kernel's timer comes late",
                    overflow.achieved_rate_hz(), overflow.asked_rate_hz()));
  }
  if (response.process_ended()) {
    warnings.push_back(fmt::format("the process ended after {}: it was counted until then", FormatDuration(DurationNs(response))));
  }
  if (response.coverage().sample_count() == 0) {
    warnings.push_back("no sample: its threads slept, or ran for less than a period: sample for longer, or give a higher --rate");
  }
  return warnings;
}

}  // namespace hftmon
