#include "client/cli/render/switches.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/stack.h"
#include "client/cli/render/waker.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"
#include "common/histogram.h"

namespace hftmon {
namespace {

constexpr char kMigration[] = "migration";

// Percentiles of a thread that were answered, as "p50" → text. Which columns exist is the union over the threads.
std::string PercentileText(const v1::DurationStatistics& statistics, double percent) {
  for (const v1::Percentile& percentile : statistics.percentiles()) {
    if (percentile.percent() == percent) return FormatDuration(percentile.value_ns());
  }
  return "";
}

using Threads = std::vector<const v1::ThreadSwitches*>;

// All in the order of the answer, or those that waited longest, the longest first.
Threads ThreadsShown(const v1::QueryContextSwitchesResponse& response, size_t threads_max) {
  Threads threads;
  for (const v1::ThreadSwitches& thread : response.threads()) threads.push_back(&thread);
  if (threads_max == 0 || threads.size() <= threads_max) return threads;
  std::stable_sort(threads.begin(), threads.end(),
                   [](const auto* a, const auto* b) { return a->run_queue_latency().sum_ns() > b->run_queue_latency().sum_ns(); });
  threads.resize(threads_max);
  return threads;
}

std::map<double, std::string> PercentileColumns(const Threads& threads) {
  std::map<double, std::string> columns;
  for (const v1::ThreadSwitches* thread : threads) {
    for (const v1::Percentile& percentile : thread->run_queue_latency().percentiles()) {
      columns[percentile.percent()] = fmt::format("wait p{:g}", percentile.percent());
    }
  }
  return columns;
}

std::string ThreadTable(const Threads& threads) {
  const std::map<double, std::string> percentiles = PercentileColumns(threads);
  std::vector<Table::Column> columns = {
      {"thread", Table::Align::kLeft}, {"pid"}, {"tid"}, {"voluntary"}, {"involuntary"}, {"migrations"}, {"wait sum"}};
  for (const auto& [percent, title] : percentiles) columns.push_back({title});
  for (const char* title : {"wait max", "off-CPU sum", "off-CPU max", "queue p99"}) columns.push_back({title});
  Table table(columns);
  for (const v1::ThreadSwitches* entry : threads) {
    const v1::ThreadSwitches& thread = *entry;
    const v1::DurationStatistics& wait = thread.run_queue_latency();
    const v1::DurationStatistics& off_cpu = thread.off_cpu();
    std::vector<std::string> cells = {thread.thread().comm() + (thread.alive() ? "" : " (ended)"),
                                      BothNumbers(thread.thread().pid(), thread.thread().namespace_pid()),
                                      BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
                                      std::to_string(thread.voluntary_count()),
                                      std::to_string(thread.involuntary_count()),
                                      std::to_string(thread.migration_count()),
                                      FormatDuration(wait.sum_ns())};
    for (const auto& [percent, title] : percentiles) cells.push_back(PercentileText(wait, percent));
    cells.push_back(wait.has_max_ns() ? FormatDuration(wait.max_ns()) : "");
    cells.push_back(FormatDuration(off_cpu.sum_ns()));
    cells.push_back(off_cpu.has_max_ns() ? FormatDuration(off_cpu.max_ns()) : "");
    cells.push_back(thread.run_queue_depth().has_p99() ? std::to_string(thread.run_queue_depth().p99()) : "");
    table.AddRow(cells);
  }
  return table.Print();
}

std::string PreemptorText(const v1::SwitchEvent& event) {
  return fmt::format("{}[{}]", event.preemptor_comm(), BothNumbers(event.preemptor_tid(), event.preemptor_namespace_tid()));
}

std::string EventTable(const v1::QueryContextSwitchesResponse& response) {
  std::vector<Table::Column> columns = {{"before end"},
                                        {"thread", Table::Align::kLeft},
                                        {"tid"},
                                        {"kind", Table::Align::kLeft},
                                        {"off-CPU"},
                                        {"of it waiting"},
                                        {"CPU"},
                                        {"to"},
                                        {"queue"},
                                        {"last runner", Table::Align::kLeft},
                                        {"in", Table::Align::kLeft}};
  const bool wakers = std::any_of(response.events().begin(), response.events().end(), [](const auto& event) { return event.has_waker(); });
  if (wakers) columns.push_back({"woken by", Table::Align::kLeft});
  Table table(columns);
  for (const v1::SwitchEvent& event : response.events()) {
    const bool migration = event.kind() == kMigration;
    std::vector<std::string> cells = {FormatDuration(response.window().end_monotonic_ns() - event.start_monotonic_ns()),
                                      event.thread().comm(),
                                      BothNumbers(event.thread().tid(), event.thread().namespace_tid()),
                                      event.kind(),
                                      event.has_duration_ns() ? FormatDuration(event.duration_ns()) : "",
                                      migration ? "" : FormatDuration(event.run_queue_ns()),
                                      std::to_string(event.cpu_out()),
                                      std::to_string(event.cpu_in()),
                                      event.run_queue_depth() > 0 ? std::to_string(event.run_queue_depth()) : "",
                                      event.preemptor_tid() > 0 ? PreemptorText(event) : "",
                                      migration ? event.migration_reason() : event.syscall()};
    if (wakers) cells.push_back(event.has_waker() ? WakerName(event.waker()) : "");
    table.AddRow(cells);
  }
  return table.Print();
}

Json ThreadJson(const v1::ThreadSwitches& thread) {
  Json json{{"tid", thread.thread().tid()},
            {"comm", thread.thread().comm()},
            {"pid", thread.thread().pid()},
            {"start_boottime_ns", thread.thread().start_boottime_ns()},
            {"alive", thread.alive()},
            {"voluntary_count", thread.voluntary_count()},
            {"involuntary_count", thread.involuntary_count()},
            {"migration_count", thread.migration_count()},
            {"discarded_count", thread.discarded_count()},
            {"run_queue_depth", DepthJson(thread.run_queue_depth())},
            {"run_queue_latency", DurationStatisticsJson(thread.run_queue_latency())},
            {"off_cpu", DurationStatisticsJson(thread.off_cpu())}};
  AddInnerNumbers(thread.thread(), &json);
  if (thread.has_voluntary_total()) json["voluntary_total"] = thread.voluntary_total();
  if (thread.has_involuntary_total()) json["involuntary_total"] = thread.involuntary_total();
  if (thread.has_run_delay_total_ns()) json["run_delay_total_ns"] = thread.run_delay_total_ns();
  // A protobuf map has no order; the answer has one.
  const std::map<std::string, uint64_t> kinds(thread.kinds().begin(), thread.kinds().end());
  json["kinds"] = Json::object();
  for (const auto& [kind, count] : kinds) json["kinds"][kind] = count;
  return json;
}

Json EventJson(const v1::SwitchEvent& event) {
  Json json{{"tid", event.thread().tid()},
            {"comm", event.thread().comm()},
            {"pid", event.thread().pid()},
            {"kind", event.kind()},
            {"start_ns", event.start_monotonic_ns()}};
  AddInnerNumbers(event.thread(), &json);
  if (event.kind() == kMigration) {
    json["migration_reason"] = event.migration_reason();
  } else {
    if (event.has_duration_ns()) json["duration_ns"] = event.duration_ns();
    json["run_queue_ns"] = event.run_queue_ns();
    json["voluntary"] = event.voluntary();
    if (!event.syscall().empty()) json["syscall"] = event.syscall();
  }
  json["cpu_out"] = event.cpu_out();
  json["cpu_in"] = event.cpu_in();
  if (event.run_queue_depth() > 0) json["run_queue_depth"] = event.run_queue_depth();
  if (event.preemptor_tid() > 0) {
    json["preemptor_tid"] = event.preemptor_tid();
    json["preemptor_comm"] = event.preemptor_comm();
    if (event.preemptor_namespace_tid() > 0) json["preemptor_namespace_tid"] = event.preemptor_namespace_tid();
  }
  if (event.has_waker()) json["waker"] = WakerJson(event.waker());
  if (event.has_stack()) json["stack"] = StackJson(event.stack());
  return json;
}

}  // namespace

std::string SwitchesText(const v1::QueryContextSwitchesResponse& response, size_t threads_max) {
  const v1::Window& window = response.window();
  std::string text = fmt::format("window {} (buckets of {})", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                 FormatDuration(window.resolution_ns()));
  text += WindowNote(window, response.time()) + "\n";
  const Threads threads = ThreadsShown(response, threads_max);
  text += threads.empty() ? "no watched thread ran in it\n" : ThreadTable(threads);
  if (const size_t left_out = static_cast<size_t>(response.threads_size()) - threads.size(); left_out > 0) {
    text += fmt::format("and {} that waited less (--all shows them)\n", Counted(left_out, "more thread"));
  }
  if (response.events_size() > 0) text += "\n" + EventTable(response);
  return text;
}

std::string PercentilesLeftOut(const v1::QueryContextSwitchesResponse& response, const std::vector<double>& asked, bool all) {
  if (response.threads_size() == 0) return "";
  const std::map<double, std::string> answered = PercentileColumns(ThreadsShown(response, 0));
  std::string left_out;
  double lowest = 100;
  for (const double percent : asked) {
    if (answered.contains(percent)) continue;
    left_out += fmt::format("{}p{:g}", left_out.empty() ? "" : ", ", percent);
    lowest = std::min(lowest, percent);
  }
  if (left_out.empty()) return "";
  return fmt::format("no {}: no thread had the {} waits that p{:g} needs{}\n", left_out, PercentileSamplesMin(lowest), lowest,
                     all ? "" : ": ask for a longer --window");
}

Json SwitchesJson(const v1::QueryContextSwitchesResponse& response, bool events_asked) {
  Json json = NewWindowAnswer(response);
  if (response.has_run_queue_floor_ns()) json["run_queue_floor_ns"] = response.run_queue_floor_ns();
  if (response.has_off_cpu_floor_ns()) json["off_cpu_floor_ns"] = response.off_cpu_floor_ns();
  json["threads"] = Json::array();
  for (const v1::ThreadSwitches& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["events"] = Json::array();
  for (const v1::SwitchEvent& event : response.events()) json["events"].push_back(EventJson(event));
  if (events_asked) {
    json["events_incomplete"] = response.events_incomplete();
    if (response.has_events_floor_ns()) json["events_floor_ns"] = response.events_floor_ns();
  }
  return json;
}

}  // namespace hftmon
