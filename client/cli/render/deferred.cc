#include "client/cli/render/deferred.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kFunctionsShown = 20;  // in the table; the JSON has all

std::string MeanText(int64_t sum_ns, uint64_t count) {
  return count > 0 ? FormatDuration(sum_ns / static_cast<int64_t>(count)) : "";
}

std::string PerSecond(uint64_t count, int64_t over_ns) {
  return fmt::format("{:.1f}", static_cast<double>(count) * 1e9 / static_cast<double>(over_ns));
}

std::string PercentileText(const v1::DelaySums& delay, double percent) {
  const std::optional<int64_t> value_ns = DelayPercentileNs(delay, percent);
  return value_ns ? FormatDuration(*value_ns) : "";
}

// How often a second, or the longest one.
Table::Column LastColumn(int64_t over_ns) {
  return {over_ns > 0 ? "per second" : "longest"};
}

std::string LastCell(uint64_t count, int64_t longest_ns, int64_t over_ns) {
  if (over_ns > 0) return PerSecond(count, over_ns);
  return count > 0 ? FormatDuration(longest_ns) : "";
}

std::string SoftirqTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table({{"CPU"},
               {"softirq", Table::Align::kLeft},
               {"raises"},
               {"runs"},
               {"raises per run"},
               {"raise to run"},
               {"p50"},
               {"p99"},
               LastColumn(over_ns),
               {"without a raise"}});
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    std::string number = std::to_string(cpu.cpu());
    for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
      const std::string per_run =
          softirq.run_count() > 0
              ? fmt::format("{:.2f}", static_cast<double>(softirq.raise_count()) / static_cast<double>(softirq.run_count()))
              : "";
      table.AddRow({number, softirq.name(), std::to_string(softirq.raise_count()), std::to_string(softirq.run_count()), per_run,
                    MeanText(softirq.delay().sum_ns(), softirq.delay().count()), PercentileText(softirq.delay(), 50),
                    PercentileText(softirq.delay(), 99),
                    LastCell(over_ns > 0 ? softirq.run_count() : softirq.delay().count(), softirq.delay().longest_ns(), over_ns),
                    std::to_string(softirq.unraised_count())});
      number.clear();
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

// The longest one; of a part of the time, above what none was.
std::string WorstText(const v1::DelaySums& durations, int64_t over_ns) {
  if (over_ns > 0) return PercentileText(durations, 100);
  return durations.count() > 0 ? FormatDuration(durations.longest_ns()) : "";
}

std::vector<Table::Column> DurationColumns(std::vector<Table::Column> columns, int64_t over_ns) {
  columns.insert(columns.end(), {{"each"}, {"p50"}, {"p99"}, {over_ns > 0 ? "below" : "worst"}});
  if (over_ns > 0) columns.push_back({"per second"});
  return columns;
}

void AddDurationCells(const v1::DelaySums& durations, int64_t over_ns, std::vector<std::string>* cells) {
  cells->insert(cells->end(), {MeanText(durations.sum_ns(), durations.count()), PercentileText(durations, 50),
                               PercentileText(durations, 99), WorstText(durations, over_ns)});
  if (over_ns > 0) cells->push_back(PerSecond(durations.count(), over_ns));
}

std::string SoftirqRunTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table(DurationColumns(
      {{"CPU"}, {"softirq", Table::Align::kLeft}, {"ran"}, {"beside another CPU's"}, {"share"}, {"interrupts within"}}, over_ns));
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    std::string number = std::to_string(cpu.cpu());
    for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
      if (softirq.run_count() == 0) continue;
      const double share = static_cast<double>(softirq.overlapped_count()) * 100 / static_cast<double>(softirq.run_count());
      std::vector<std::string> cells = {number,
                                        softirq.name(),
                                        std::to_string(softirq.duration().count()),
                                        std::to_string(softirq.overlapped_count()),
                                        fmt::format("{:.1f} %", share),
                                        std::to_string(softirq.interrupted_count())};
      AddDurationCells(softirq.duration(), over_ns, &cells);
      table.AddRow(cells);
      number.clear();
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string HandlerTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table(DurationColumns({{"CPU"}, {"irq"}, {"handler", Table::Align::kLeft}, {"ran"}}, over_ns));
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    std::string number = std::to_string(cpu.cpu());
    for (const v1::HandlerDurations& handler : cpu.handlers()) {
      std::vector<std::string> cells = {number, handler.irq() > 0 ? std::to_string(handler.irq()) : "", Printable(handler.name()),
                                        std::to_string(handler.duration().count())};
      AddDurationCells(handler.duration(), over_ns, &cells);
      table.AddRow(cells);
      number.clear();
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string WorkCpuTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table({{"CPU"}, {"works queued"}, {"began"}, {"queue to begin"}, {"p50"}, {"p99"}, LastColumn(over_ns)});
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    uint64_t begin_count = 0;
    for (const v1::WorkFunction& work : cpu.works()) begin_count += work.begin_count();
    if (begin_count == 0 && cpu.queued_work_count() == 0) continue;
    const v1::DelaySums& delay = cpu.work_delay();
    table.AddRow({std::to_string(cpu.cpu()), std::to_string(cpu.queued_work_count()), std::to_string(begin_count),
                  MeanText(delay.sum_ns(), delay.count()), PercentileText(delay, 50), PercentileText(delay, 99),
                  LastCell(over_ns > 0 ? begin_count : delay.count(), delay.longest_ns(), over_ns)});
  }
  return table.empty() ? "" : "\n" + table.Print();
}

struct FunctionSum {
  v1::WorkFunction work;
  std::vector<int> cpus;  // where it began
};

std::vector<FunctionSum> SumByFunction(const v1::DeferredWork& deferred) {
  std::map<std::string, FunctionSum> sums;
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    for (const v1::WorkFunction& work : cpu.works()) {
      FunctionSum& sum = sums[work.function()];
      sum.work.set_function(work.function());
      sum.work.set_begin_count(sum.work.begin_count() + work.begin_count());
      sum.work.set_delay_count(sum.work.delay_count() + work.delay_count());
      sum.work.set_delay_ns(sum.work.delay_ns() + work.delay_ns());
      sum.work.set_delay_longest_ns(std::max(sum.work.delay_longest_ns(), work.delay_longest_ns()));
      sum.work.set_end_count(sum.work.end_count() + work.end_count());
      sum.work.set_duration_ns(sum.work.duration_ns() + work.duration_ns());
      sum.work.set_duration_longest_ns(std::max(sum.work.duration_longest_ns(), work.duration_longest_ns()));
      if (work.begin_count() > 0) sum.cpus.push_back(cpu.cpu());
    }
  }
  std::vector<FunctionSum> order;
  for (auto& [function, sum] : sums) order.push_back(std::move(sum));
  std::stable_sort(order.begin(), order.end(),
                   [](const FunctionSum& a, const FunctionSum& b) { return a.work.duration_ns() > b.work.duration_ns(); });
  return order;
}

std::string WorkFunctionTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  std::vector<Table::Column> columns = {{"function of works", Table::Align::kLeft}, {"began"}, {"queue to begin"}, {"ran"}, {"ran each"}};
  if (over_ns == 0) columns.insert(columns.begin() + 3, {"longest"});
  if (over_ns == 0) columns.push_back({"longest"});
  columns.push_back({"on CPU", Table::Align::kLeft});
  Table table(columns);
  const std::vector<FunctionSum> sums = SumByFunction(deferred);
  for (size_t i = 0; i < std::min(sums.size(), kFunctionsShown); ++i) {
    const v1::WorkFunction& work = sums[i].work;
    std::vector<std::string> cells = {Printable(work.function()), std::to_string(work.begin_count()),
                                      MeanText(work.delay_ns(), work.delay_count())};
    if (over_ns == 0) cells.push_back(work.delay_count() > 0 ? FormatDuration(work.delay_longest_ns()) : "");
    cells.push_back(FormatDuration(work.duration_ns()));
    cells.push_back(MeanText(work.duration_ns(), work.end_count()));
    if (over_ns == 0) cells.push_back(work.end_count() > 0 ? FormatDuration(work.duration_longest_ns()) : "");
    cells.push_back(FormatCpuList(sums[i].cpus));
    table.AddRow(cells);
  }
  if (table.empty()) return "";
  const size_t more = sums.size() - std::min(sums.size(), kFunctionsShown);
  return "\n" + table.Print() + (more > 0 ? fmt::format("and {} more: --json has them all\n", more) : "");
}

std::string TaskletTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table({{"CPU"}, {"tasklet", Table::Align::kLeft}, {"count"}, {"took"}, {"each"}, LastColumn(over_ns)});
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    for (const v1::TaskletFunction& tasklet : cpu.tasklets()) {
      table.AddRow({std::to_string(cpu.cpu()), Printable(tasklet.function()), std::to_string(tasklet.count()),
                    FormatDuration(tasklet.duration_ns()), MeanText(tasklet.duration_ns(), tasklet.count()),
                    LastCell(tasklet.count(), tasklet.longest_ns(), over_ns)});
    }
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string ThreadTable(const v1::DeferredWork& deferred, int64_t over_ns) {
  Table table({{"thread of irq"},
               {"handler", Table::Align::kLeft},
               {"tid"},
               {"wakes"},
               {"while it ran"},
               {"while it waited"},
               {"waits"},
               {"wake to run"},
               LastColumn(over_ns)});
  for (const v1::InterruptThread& thread : deferred.threads()) {
    table.AddRow({std::to_string(thread.irq()), Printable(thread.name()), std::to_string(thread.tid()), std::to_string(thread.wake_count()),
                  std::to_string(thread.running_count()), std::to_string(thread.waiting_count()), std::to_string(thread.delay_count()),
                  MeanText(thread.delay_ns(), thread.delay_count()), LastCell(thread.delay_count(), thread.delay_longest_ns(), over_ns)});
  }
  return table.empty() ? "" : "\n" + table.Print();
}

Json DelayJson(const v1::DelaySums& delay, bool of_part) {
  Json json{{"count", delay.count()}, {"sum_ns", delay.sum_ns()}};
  if (!of_part) json["longest_ns"] = delay.longest_ns();
  for (const double percent : {50.0, 99.0, 99.9}) {
    if (const auto value_ns = DelayPercentileNs(delay, percent)) json[PercentileKey(percent)] = *value_ns;
  }
  json["buckets"] = Json::array();
  for (const v1::DelayBucket& bucket : delay.buckets())
    json["buckets"].push_back({{"upper_ns", bucket.upper_ns()}, {"count", bucket.count()}});
  return json;
}

Json WorkJson(const v1::WorkFunction& work, bool of_part) {
  Json json{{"function", work.function()}, {"begin_count", work.begin_count()}, {"delay_count", work.delay_count()},
            {"delay_ns", work.delay_ns()}, {"end_count", work.end_count()},     {"duration_ns", work.duration_ns()}};
  if (of_part) return json;
  json["delay_longest_ns"] = work.delay_longest_ns();
  json["duration_longest_ns"] = work.duration_longest_ns();
  return json;
}

Json CpuJson(const v1::CpuDeferred& cpu, bool of_part) {
  Json json{{"cpu", cpu.cpu()}, {"softirqs", Json::array()}};
  for (const v1::SoftirqDelay& softirq : cpu.softirqs()) {
    json["softirqs"].push_back({{"name", softirq.name()},
                                {"raise_count", softirq.raise_count()},
                                {"run_count", softirq.run_count()},
                                {"unraised_count", softirq.unraised_count()},
                                {"delay", DelayJson(softirq.delay(), of_part)},
                                {"duration", DelayJson(softirq.duration(), of_part)},
                                {"overlapped_count", softirq.overlapped_count()},
                                {"interrupted_count", softirq.interrupted_count()}});
  }
  json["handlers"] = Json::array();
  for (const v1::HandlerDurations& handler : cpu.handlers()) {
    Json entry{{"name", handler.name()}, {"duration", DelayJson(handler.duration(), of_part)}};
    if (handler.irq() > 0) entry["irq"] = handler.irq();
    json["handlers"].push_back(std::move(entry));
  }
  json["work_delay"] = DelayJson(cpu.work_delay(), of_part);
  json["works"] = Json::array();
  for (const v1::WorkFunction& work : cpu.works()) json["works"].push_back(WorkJson(work, of_part));
  json["tasklets"] = Json::array();
  for (const v1::TaskletFunction& tasklet : cpu.tasklets()) {
    Json entry{{"function", tasklet.function()}, {"count", tasklet.count()}, {"duration_ns", tasklet.duration_ns()}};
    if (!of_part) entry["longest_ns"] = tasklet.longest_ns();
    json["tasklets"].push_back(std::move(entry));
  }
  json["queued_work_count"] = cpu.queued_work_count();
  json["displaced_work_count"] = cpu.displaced_work_count();
  json["unended_work_count"] = cpu.unended_work_count();
  return json;
}

}  // namespace

std::optional<int64_t> DelayPercentileNs(const v1::DelaySums& delay, double percent) {
  uint64_t count = 0;
  for (const v1::DelayBucket& bucket : delay.buckets()) count += bucket.count();
  // Buckets count modulo 2^32: one that went round would stand for something else.
  constexpr uint64_t kRound = uint64_t{1} << 31;
  if (count == 0 || delay.count() > count + kRound || count > delay.count() + kRound) return std::nullopt;
  const auto rank = static_cast<uint64_t>(std::ceil(static_cast<double>(count) * percent / 100));
  uint64_t below = 0;
  for (const v1::DelayBucket& bucket : delay.buckets()) {
    below += bucket.count();
    if (below < rank) continue;
    return delay.longest_ns() > 0 ? std::min(bucket.upper_ns(), delay.longest_ns()) : bucket.upper_ns();
  }
  return std::nullopt;
}

std::string DeferredText(const v1::DeferredWork& deferred, int64_t over_ns) {
  std::string text = HandlerTable(deferred, over_ns) + SoftirqTable(deferred, over_ns) + SoftirqRunTable(deferred, over_ns) +
                     WorkCpuTable(deferred, over_ns) + WorkFunctionTable(deferred, over_ns) + TaskletTable(deferred, over_ns) +
                     ThreadTable(deferred, over_ns);
  if (text.empty()) return "";
  if (!deferred.collecting()) text += "no running target asks now (attach --probes irq): these are of when one did\n";
  for (const std::string& missing : deferred.missing()) text += "not told: " + Printable(missing) + "\n";
  uint64_t displaced = 0;
  uint64_t unended = 0;
  for (const v1::CpuDeferred& cpu : deferred.cpus()) {
    displaced += cpu.displaced_work_count();
    unended += cpu.unended_work_count();
  }
  if (displaced > 0)
    text += Counted(displaced, "work") + " found no place of their own while they waited: that many delays are not known\n";
  if (unended > 0) text += Counted(unended, "work") + " found no place of their own while they ran: that many durations are not known\n";
  if (deferred.unlisted_thread_count() > 0) {
    text += Counted(deferred.unlisted_thread_count(), "interrupt") + " left work to threads that found no place in the table of 64\n";
  }
  if (!deferred.names_unavailable().empty()) text += "functions have no names: " + Printable(deferred.names_unavailable()) + "\n";
  return text;
}

Json DeferredJson(const v1::DeferredWork& deferred, bool of_part) {
  Json json{{"collecting", deferred.collecting()}};
  if (!deferred.reason().empty()) json["reason"] = deferred.reason();
  json["missing"] = deferred.missing();
  json["cpus"] = Json::array();
  for (const v1::CpuDeferred& cpu : deferred.cpus()) json["cpus"].push_back(CpuJson(cpu, of_part));
  json["threads"] = Json::array();
  for (const v1::InterruptThread& thread : deferred.threads()) {
    Json entry{{"irq", thread.irq()},
               {"name", thread.name()},
               {"tid", thread.tid()},
               {"wake_count", thread.wake_count()},
               {"running_count", thread.running_count()},
               {"waiting_count", thread.waiting_count()},
               {"delay_count", thread.delay_count()},
               {"delay_ns", thread.delay_ns()}};
    if (!of_part) entry["delay_longest_ns"] = thread.delay_longest_ns();
    json["threads"].push_back(std::move(entry));
  }
  json["unlisted_thread_count"] = deferred.unlisted_thread_count();
  if (!deferred.names_unavailable().empty()) json["names_unavailable"] = deferred.names_unavailable();
  return json;
}

}  // namespace hftmon
