#include "client/cli/render/threads.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/scheduling.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kBarColumns = 14;
constexpr size_t kCpusColumns = 10;
constexpr int kCpusShown = 4;
constexpr size_t kPartCount = 4;
constexpr std::array<char, kPartCount> kMarks = {'#', '=', '.', '!'};
constexpr char kLegend[] = "# running   = waiting for a CPU   . asleep or blocked   ! taken by interrupts\n";

using Parts = std::array<int64_t, kPartCount>;

Parts PartsOf(const v1::ScheduledThread& thread) {
  return {thread.cpu_time_ns(), thread.run_queue_wait_ns(), thread.blocked_ns(), thread.interrupted_ns()};
}

int64_t SumOf(const Parts& parts) {
  int64_t sum_ns = 0;
  for (const int64_t part_ns : parts) sum_ns += part_ns;
  return sum_ns;
}

// "0%", "<0.1%", "4.2%", "97%".
std::string ShareText(double share) {
  const double percent = 100 * share;
  if (percent == 0) return "0%";
  if (percent < 0.1) return "<0.1%";
  // Nothing but all is 100 %.
  if (percent < 9.95) return fmt::format("{:.1f}%", percent);
  return fmt::format("{:.0f}%", share < 1 ? std::min(percent, 99.0) : percent);
}

std::string PartText(int64_t part_ns, int64_t sum_ns) {
  return sum_ns > 0 ? ShareText(static_cast<double>(part_ns) / static_cast<double>(sum_ns)) : "";
}

// Each part has the columns that its share is worth, those that are left go to the largest remainders: together all of them.
std::string BarText(const Parts& parts) {
  const int64_t sum_ns = SumOf(parts);
  if (sum_ns <= 0) return "";
  std::array<size_t, kPartCount> columns{};
  std::array<double, kPartCount> remainders{};
  size_t used = 0;
  for (size_t i = 0; i < kPartCount; ++i) {
    const double exact = static_cast<double>(kBarColumns) * static_cast<double>(parts[i]) / static_cast<double>(sum_ns);
    columns[i] = static_cast<size_t>(exact);
    remainders[i] = exact - static_cast<double>(columns[i]);
    used += columns[i];
  }
  for (; used < kBarColumns; ++used) {
    const auto largest = static_cast<size_t>(std::max_element(remainders.begin(), remainders.end()) - remainders.begin());
    ++columns[largest];
    remainders[largest] = -1;
  }
  std::string bar;
  for (size_t i = 0; i < kPartCount; ++i) bar.append(columns[i], kMarks[i]);
  return bar;
}

std::string Shortened(const std::string& text, size_t columns) {
  return text.size() <= columns ? text : text.substr(0, columns - 2) + "..";
}

std::string TimeTable(const v1::QueryThreadsResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"tid"},
               {"policy", Table::Align::kLeft},
               {"CPUs", Table::Align::kLeft},
               {"running"},
               {"waiting"},
               {"blocked"},
               {"irqs"},
               {"", Table::Align::kLeft}});
  for (const v1::ScheduledThread& thread : response.threads()) {
    const Parts parts = PartsOf(thread);
    const int64_t sum_ns = SumOf(parts);
    std::vector<std::string> cells = {
        thread.thread().comm() + (thread.alive() ? "" : " (ended)"), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
        thread.has_scheduling() ? PolicyText(thread.scheduling()) : "", Shortened(thread.scheduling().cpus_allowed(), kCpusColumns)};
    for (const int64_t part_ns : parts) cells.push_back(PartText(part_ns, sum_ns));
    cells.push_back(BarText(parts));
    table.AddRow(cells);
  }
  return table.Print() + kLegend;
}

// "2: 93%, 3: 7.2% and 4 more".
std::string CpusText(const v1::ScheduledThread& thread) {
  std::string text;
  for (int i = 0; i < std::min(thread.cpus_size(), kCpusShown); ++i) {
    const v1::CpuTime& part = thread.cpus(i);
    text += fmt::format("{}{}: {}", i == 0 ? "" : ", ", part.cpu(), PartText(part.cpu_time_ns(), thread.cpu_time_ns()));
  }
  if (thread.cpus_size() > kCpusShown) text += fmt::format(" and {} more", thread.cpus_size() - kCpusShown);
  return text;
}

// Of threads that moved: on which CPUs they ran, or why that is not known.
std::string MovesTable(const v1::QueryThreadsResponse& response) {
  Table table({{"thread", Table::Align::kLeft}, {"tid"}, {"migrations"}, {"queue p99"}, {"ran on CPU", Table::Align::kLeft}});
  std::string unknown;
  for (const v1::ScheduledThread& thread : response.threads()) {
    if (thread.migration_count() == 0) continue;
    table.AddRow({thread.thread().comm(), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
                  std::to_string(thread.migration_count()),
                  thread.run_queue_depth().has_p99() ? std::to_string(thread.run_queue_depth().p99()) : "", CpusText(thread)});
    if (thread.cpus_unavailable().empty()) continue;
    unknown += fmt::format("where {}[{}] ran is not known: {}\n", Printable(thread.thread().comm()), thread.thread().tid(),
                           Printable(thread.cpus_unavailable()));
  }
  return table.empty() ? "" : "\n" + table.Print() + unknown;
}

// The percentiles that any of the threads has, ascending.
template <typename LatenessOf>
std::vector<double> PercentsOf(const v1::QueryThreadsResponse& response, LatenessOf lateness_of) {
  std::vector<double> percents;
  for (const v1::ScheduledThread& thread : response.threads()) {
    for (const v1::Percentile& percentile : lateness_of(thread).percentiles()) percents.push_back(percentile.percent());
  }
  std::sort(percents.begin(), percents.end());
  percents.erase(std::unique(percents.begin(), percents.end()), percents.end());
  return percents;
}

void AddLatenessColumns(const std::vector<double>& percents, std::vector<Table::Column>* columns) {
  for (const double percent : percents) columns->push_back({fmt::format("late p{:g}", percent)});
  columns->push_back({"max"});
}

void AddLatenessCells(const std::vector<double>& percents, const v1::DurationStatistics& lateness, std::vector<std::string>* cells) {
  for (const double percent : percents) {
    const auto& all = lateness.percentiles();
    const auto found = std::find_if(all.begin(), all.end(), [percent](const auto& one) { return one.percent() == percent; });
    cells->push_back(found == all.end() ? "" : FormatDuration(found->value_ns()));
  }
  cells->push_back(lateness.has_max_ns() ? FormatDuration(lateness.max_ns()) : "");
}

std::string JitterTable(const v1::QueryThreadsResponse& response) {
  const std::vector<double> percents = PercentsOf(
      response, [](const auto& thread) -> const auto& { return thread.jitter().lateness(); });
  std::vector<Table::Column> columns = {
      {"thread", Table::Align::kLeft}, {"tid"}, {"period"}, {"known from", Table::Align::kLeft}, {"wake-ups"}};
  AddLatenessColumns(percents, &columns);
  columns.push_back({"missed"});
  Table table(columns);
  for (const v1::ScheduledThread& thread : response.threads()) {
    if (!thread.has_jitter()) continue;
    const v1::Jitter& jitter = thread.jitter();
    std::vector<std::string> cells = {thread.thread().comm(), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
                                      FormatDuration(jitter.period_ns()), jitter.source(), std::to_string(jitter.lateness().count())};
    AddLatenessCells(percents, jitter.lateness(), &cells);
    cells.push_back(std::to_string(jitter.missed_period_count()));
    table.AddRow(cells);
  }
  return table.empty() ? "" : "\nperiodic wake-ups, late until the switch to the thread\n" + table.Print();
}

// Of threads that ask, with what is missing of the window.
std::string ReturnTable(const v1::QueryThreadsResponse& response) {
  const std::vector<double> percents = PercentsOf(
      response, [](const auto& thread) -> const auto& { return thread.to_return().lateness(); });
  std::vector<Table::Column> columns = {{"thread", Table::Align::kLeft}, {"tid"}, {"sleeps"}};
  AddLatenessColumns(percents, &columns);
  columns.push_back({"interrupted"});
  Table table(columns);
  std::string missing;
  for (const v1::ScheduledThread& thread : response.threads()) {
    if (!thread.has_to_return()) continue;
    const v1::TimerReturns& returns = thread.to_return();
    std::vector<std::string> cells = {thread.thread().comm(), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()),
                                      std::to_string(returns.lateness().count())};
    AddLatenessCells(percents, returns.lateness(), &cells);
    cells.push_back(std::to_string(returns.interrupted_count()));
    table.AddRow(cells);
    if (thread.to_return_unavailable().empty()) continue;
    missing +=
        fmt::format("of {}[{}]: {}\n", Printable(thread.thread().comm()), thread.thread().tid(), Printable(thread.to_return_unavailable()));
  }
  return table.empty() ? "" : "\nsleeps until a time, late until the return to the program\n" + table.Print() + missing;
}

// "isolated CPUs 2-5" and who is confined to them, and who is not.
std::string IsolationText(const v1::QueryThreadsResponse& response) {
  if (response.isolated_cpus().empty()) return "";
  std::string only;
  std::string partly;
  for (const v1::ScheduledThread& thread : response.threads()) {
    const auto add = [&thread](std::string* list) {
      *list += fmt::format("{}{}[{}]", list->empty() ? "" : ", ", Printable(thread.thread().comm()), thread.thread().tid());
    };
    if (thread.scheduling().isolated_only()) add(&only);
    if (thread.scheduling().isolated_partly()) add(&partly);
  }
  std::string text = fmt::format("\nisolated CPUs: {}\n", response.isolated_cpus());
  text += fmt::format("isolated only: {}\n", only.empty() ? "no thread" : only);
  if (!partly.empty()) text += fmt::format("partly isolated, confined to neither kind of CPU: {}\n", partly);
  return text;
}

Json JitterJson(const v1::Jitter& jitter) {
  Json json{{"period_ns", jitter.period_ns()}, {"period_given", jitter.period_given()}, {"source", jitter.source()}};
  json.update(DurationStatisticsJson(jitter.lateness()));
  json["missed_period_count"] = jitter.missed_period_count();
  json["ends_at"] = jitter.ends_at();
  return json;
}

Json ReturnsJson(const v1::TimerReturns& returns) {
  Json json = DurationStatisticsJson(returns.lateness());
  json["interrupted_count"] = returns.interrupted_count();
  json["time_lost_count"] = returns.time_lost_count();
  json["ends_at"] = returns.ends_at();
  return json;
}

Json ThreadJson(const v1::ScheduledThread& thread) {
  Json json{{"tid", thread.thread().tid()},
            {"comm", thread.thread().comm()},
            {"pid", thread.thread().pid()},
            {"start_boottime_ns", thread.thread().start_boottime_ns()},
            {"alive", thread.alive()}};
  AddInnerNumbers(thread.thread(), &json);
  if (thread.has_scheduling()) AddScheduling(thread.scheduling(), &json);
  if (thread.has_scheduling_read_monotonic_ns()) json["scheduling_read_ns"] = thread.scheduling_read_monotonic_ns();
  json["cpu_time_ns"] = thread.cpu_time_ns();
  json["run_queue_wait_ns"] = thread.run_queue_wait_ns();
  json["blocked_ns"] = thread.blocked_ns();
  json["interrupted_ns"] = thread.interrupted_ns();
  json["migration_count"] = thread.migration_count();
  json["cpu_time_share"] = thread.cpu_time_share();
  if (thread.cpus_unavailable().empty() || thread.cpus_size() > 0) {
    json["cpus"] = Json::array();
    for (const v1::CpuTime& part : thread.cpus()) json["cpus"].push_back({{"cpu", part.cpu()}, {"cpu_time_ns", part.cpu_time_ns()}});
  }
  if (!thread.cpus_unavailable().empty()) json["cpus_unavailable"] = thread.cpus_unavailable();
  json["run_queue_depth"] = DepthJson(thread.run_queue_depth());
  if (thread.has_jitter()) json["jitter"] = JitterJson(thread.jitter());
  if (!thread.jitter_unavailable().empty()) json["jitter_unavailable"] = thread.jitter_unavailable();
  if (thread.has_to_return()) json["to_return"] = ReturnsJson(thread.to_return());
  if (!thread.to_return_unavailable().empty()) json["to_return_unavailable"] = thread.to_return_unavailable();
  return json;
}

}  // namespace

std::string ThreadsText(const v1::QueryThreadsResponse& response, bool changes) {
  const v1::Window& window = response.window();
  std::string text = fmt::format("window {} (buckets of {})", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                 FormatDuration(window.resolution_ns()));
  text += WindowNote(window, response.time()) + "\n";
  text += response.threads_size() == 0 ? "no watched thread lived in it\n" : TimeTable(response);
  text += MovesTable(response) + JitterTable(response) + ReturnTable(response) + IsolationText(response);
  if (changes) return text + "\n" + ChangesText(response);
  if (response.changes_size() > 0) {
    text += fmt::format("\n{} of scheduling in the window: --changes shows them\n",
                        Counted(static_cast<uint64_t>(response.changes_size()), "change"));
  }
  return text;
}

Json ThreadsJson(const v1::QueryThreadsResponse& response) {
  Json json = NewWindowAnswer(response);
  json["isolated_cpus"] = response.isolated_cpus();
  json["nohz_full_cpus"] = response.nohz_full_cpus();
  json["threads"] = Json::array();
  for (const v1::ScheduledThread& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["changes"] = Json::array();
  for (const v1::SchedulingChange& change : response.changes()) json["changes"].push_back(ChangeJson(change));
  json["changes_incomplete"] = response.changes_incomplete();
  return json;
}

}  // namespace hftmon
