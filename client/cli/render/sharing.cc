#include "client/cli/render/sharing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/cli/render/contended_lines.h"
#include "client/cli/render/memory_loads.h"
#include "client/cli/render/shared_lines.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string EventsText(const v1::SampleAccessesResponse& response) {
  std::vector<std::string> events;
  for (const std::string& event : response.events()) events.push_back(Printable(event));
  return fmt::format("{}", fmt::join(events, ", "));
}

std::string SampledText(const v1::SampleAccessesResponse& response) {
  const v1::AccessSamplingCoverage& coverage = response.coverage();
  std::string text = fmt::format(
      "process {} for {}: {} of {}, by {}\n", response.pid(), FormatDuration(response.end_monotonic_ns() - response.begin_monotonic_ns()),
      Counted(coverage.sample_count(), "sample"), Counted(coverage.thread_count(), "thread"), EventsText(response));
  if (coverage.born_thread_count() > 0) {
    text += fmt::format("{} made meanwhile, sampled since\n", Counted(coverage.born_thread_count(), "thread was", "threads were"));
  }
  const v1::AccessSamplingCost& cost = response.cost();
  return text + fmt::format("cost: at most {} of its threads, at most {} for {}; {} KiB of locked memory, {} of the daemon's CPU time\n",
                            Counted(cost.interrupt_count_max(), "interrupt"), Counted(cost.cross_call_count_max(), "cross-call"),
                            Counted(cost.event_count(), "event"), cost.ring_bytes() >> 10, FormatDuration(cost.daemon_cpu_ns()));
}

std::string LinesText(const SharingAnswer& answer) {
  if (!answer.lines.empty()) return ContendedLinesText(answer.table, answer.lines);
  if (!answer.shared_lines.empty()) return SharedLinesText(answer.table, answer.shared_lines);
  return "no contended cache line\n";
}

bool Lacks(const v1::SampleAccessesResponse& response, const std::string& part) {
  return std::any_of(response.unavailable().begin(), response.unavailable().end(),
                     [&part](const v1::UnavailablePart& one) { return one.part() == part; });
}

Json CostJson(const v1::AccessSamplingCost& cost) {
  return {{"interrupt_count_max", cost.interrupt_count_max()},
          {"event_count", cost.event_count()},
          {"cross_call_count_max", cost.cross_call_count_max()},
          {"ring_bytes", cost.ring_bytes()},
          {"daemon_cpu_ns", cost.daemon_cpu_ns()}};
}

Json CoverageJson(const v1::AccessSamplingCoverage& coverage) {
  Json json{{"sample_count", coverage.sample_count()},
            {"thread_count", coverage.thread_count()},
            {"born_thread_count", coverage.born_thread_count()},
            {"unsampled_thread_count", coverage.unsampled_thread_count()}};
  if (!coverage.unsampled_reason().empty()) json["unsampled_reason"] = coverage.unsampled_reason();
  json["lost_count"] = coverage.lost_count();
  json["dropped_count"] = coverage.dropped_count();
  json["undecoded_count"] = coverage.undecoded_count();
  json["damage_count"] = coverage.damage_count();
  json["throttle_count"] = coverage.throttle_count();
  json["truncated_count"] = coverage.truncated_count();
  json["collision_count"] = coverage.collision_count();
  json["gap_count"] = coverage.gap_count();
  json["unread_source_count"] = coverage.unread_source_count();
  json["complete"] = coverage.complete();
  return json;
}

// Of hardware that writes samples into memory by itself.
void AddTraceLosses(const v1::AccessSamplingCoverage& coverage, std::vector<std::string>* warnings) {
  const auto add = [warnings](uint64_t count, const std::string& what) {
    if (count > 0) warnings->push_back(fmt::format("{} {}", Counted(count, "time"), what));
  };
  add(coverage.truncated_count(),
      "a thread's AUX memory was full, and it was not sampled until that was read: give a larger --period, or a higher --latency");
  add(coverage.collision_count(), "operations were to be sampled while another was, and are missing: give a larger --period");
  add(coverage.gap_count(), "the hardware left a gap: samples are missing: sample again");
  if (coverage.unread_source_count() > 0) {
    warnings->push_back(fmt::format("{} with a data source whose code is not known of this processor: levels are as its events tell them",
                                    Counted(coverage.unread_source_count(), "load")));
  }
}

void AddLosses(const v1::AccessSamplingCoverage& coverage, std::vector<std::string>* warnings) {
  const auto add = [warnings](uint64_t count, const std::string& what) {
    if (count > 0) warnings->push_back(fmt::format("{} {}", Counted(count, "sample"), what));
  };
  add(coverage.lost_count(), "lost: the rings were full: give a larger --period, or a higher --latency");
  add(coverage.dropped_count(), "dropped by the hardware: give a larger --period");
  add(coverage.undecoded_count(), "not understood: they are not as they were asked for: report it");
  if (coverage.damage_count() > 0) {
    warnings->push_back(
        fmt::format("what stood in a ring could not be {}: samples are missing: sample again", Counted(coverage.damage_count(), "time")));
  }
  if (coverage.throttle_count() > 0) {
    warnings->push_back(
        fmt::format("the kernel held sampling back {}, since it took more than kernel.perf_event_max_sample_rate: give a "
                    "larger --period",
                    Counted(coverage.throttle_count(), "time")));
  }
  AddTraceLosses(coverage, warnings);
  if (coverage.unsampled_thread_count() > 0) {
    warnings->push_back(fmt::format("{} not sampled: {}", Counted(coverage.unsampled_thread_count(), "new thread was", "new threads were"),
                                    Printable(coverage.unsampled_reason())));
  }
}

bool IsCut(const v1::ContendedLine& line) {
  return line.dropped_site_access_count() > 0 || line.cpus_dropped() || line.begin_missing();
}

}  // namespace

std::string SharingText(const v1::SampleAccessesResponse& response, const SharingAnswer& answer) {
  std::string text = SampledText(response);
  if (response.coverage().sample_count() == 0) return text;
  if (!Lacks(response, "contended_lines")) text += "\n" + MemoryLoadsText(answer.loads);
  return text + "\n" + LinesText(answer);
}

Json SharingJson(const v1::SampleAccessesResponse& response, const SharingAnswer& answer) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["pid"] = response.pid();
  if (response.namespace_pid() != 0) json["namespace_pid"] = response.namespace_pid();
  json["begin_ns"] = response.begin_monotonic_ns();
  json["end_ns"] = response.end_monotonic_ns();
  json["process_ended"] = response.end() == v1::ACCESS_SAMPLING_END_PROCESS_ENDED;
  json["events"] = std::vector<std::string>(response.events().begin(), response.events().end());
  json["cost"] = CostJson(response.cost());
  json["coverage"] = CoverageJson(response.coverage());
  const bool told = !Lacks(response, "contended_lines");
  if (told) json["memory_loads"] = MemoryLoadsJson(answer.loads);
  json["other_samples"] = answer.loads.others;
  json["line_bytes"] = answer.table.line_bytes;
  json["accesses"] = {{"total", answer.table.total.accesses},
                      {"contended_lines", answer.table.contended.accesses},
                      {"other_lines", answer.table.uncontended.accesses},
                      {"dropped", answer.table.dropped.accesses},
                      {"no_address", answer.table.no_address}};
  if (told) {
    json["contended_line_order"] = LineOrderName(answer.table.order);
    json["contended_line_count"] = answer.table.contended_lines;
    json["contended_lines"] = ContendedLinesJson(answer.lines);
  } else {
    json["shared_line_count"] = answer.table.shared_line_count;
    json["shared_lines"] = SharedLinesJson(answer.shared_lines);
  }
  json["unavailable"] = Json::array();
  for (const v1::UnavailablePart& part : response.unavailable())
    json["unavailable"].push_back({{"name", part.part()}, {"reason", part.reason()}});
  json["warnings"] = WarningsOf(response);
  return json;
}

std::vector<std::string> WarningsOf(const v1::SampleAccessesResponse& response) {
  std::vector<std::string> warnings;
  for (const v1::UnavailablePart& part : response.unavailable()) {
    warnings.push_back(fmt::format("{} unavailable: {}", Printable(part.part()), Printable(part.reason())));
  }
  AddLosses(response.coverage(), &warnings);
  if (response.end() == v1::ACCESS_SAMPLING_END_PROCESS_ENDED) {
    warnings.push_back(fmt::format("the process ended after {}: it was sampled until then",
                                   FormatDuration(response.end_monotonic_ns() - response.begin_monotonic_ns())));
  }
  if (response.coverage().sample_count() == 0) {
    warnings.push_back(
        "no access was sampled: its threads slept, or none was slow enough: sample for longer, give a lower --latency or a "
        "smaller --period");
  }
  const v1::ContendedLineTable& lines = response.lines();
  if (lines.no_address_count() > 0) {
    warnings.push_back(fmt::format("{} in no line: the hardware told no address", Counted(lines.no_address_count(), "sample")));
  }
  if (lines.dropped_contended_count() > 0) {
    warnings.push_back(fmt::format("{} of more cache lines than are kept at a time: the table may miss a line: sample for a shorter time",
                                   Counted(lines.dropped_contended_count(), "contended access", "contended accesses")));
  }
  const auto cut = std::count_if(lines.lines().begin(), lines.lines().end(), IsCut) +
                   std::count_if(lines.shared_lines().begin(), lines.shared_lines().end(), IsCut);
  if (cut > 0) {
    warnings.push_back(
        fmt::format("{} with more threads, places or CPUs than are kept, or first kept when others had been dropped: verdict "
                    "and advice are of what was kept: sample for a shorter time",
                    Counted(static_cast<uint64_t>(cut), "line")));
  }
  return warnings;
}

}  // namespace hftmon
