#include "client/cli/render/interrupts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/coalescing.h"
#include "client/cli/render/deferred.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string MeanText(int64_t sum_ns, uint64_t count) {
  return count > 0 ? FormatDuration(sum_ns / static_cast<int64_t>(count)) : "";
}

// Beside a count and a sum: how often and which share of the time, when that is a known one.
std::vector<std::string> RateCells(uint64_t count, int64_t sum_ns, int64_t over_ns) {
  if (over_ns <= 0) return {};
  const auto seconds = static_cast<double>(over_ns) / 1e9;
  return {fmt::format("{:.1f}", static_cast<double>(count) / seconds),
          fmt::format("{:.3f} %", static_cast<double>(sum_ns) / seconds / 1e7)};
}

std::vector<Table::Column> WithRates(std::vector<Table::Column> columns, int64_t over_ns) {
  if (over_ns > 0) columns.insert(columns.end(), {{"per second"}, {"of the time"}});
  return columns;
}

void AddRow(std::vector<std::string> cells, uint64_t count, int64_t sum_ns, int64_t over_ns, Table* table) {
  for (std::string& cell : RateCells(count, sum_ns, over_ns)) cells.push_back(std::move(cell));
  table->AddRow(cells);
}

std::string ThreadTable(const v1::QueryInterruptsResponse& response, int64_t over_ns) {
  std::vector<Table::Column> columns = {{"thread", Table::Align::kLeft}, {"pid"},   {"tid"},  {"source", Table::Align::kLeft},
                                        {"level", Table::Align::kLeft},  {"count"}, {"took"}, {"mean"}};
  if (over_ns == 0) columns.push_back({"longest stretch"});
  Table table(WithRates(columns, over_ns));
  for (const v1::ThreadInterrupts& thread : response.threads()) {
    const v1::ThreadId& id = thread.thread();
    std::vector<std::string> cells = {id.comm(),
                                      BothNumbers(id.pid(), id.namespace_pid()),
                                      BothNumbers(id.tid(), id.namespace_tid()),
                                      "all",
                                      "",
                                      std::to_string(thread.count()),
                                      FormatDuration(thread.self_ns()),
                                      MeanText(thread.self_ns(), thread.count())};
    if (over_ns == 0) cells.push_back(FormatDuration(thread.stretch_max_ns()));
    AddRow(cells, thread.count(), thread.self_ns(), over_ns, &table);
    for (const v1::InterruptSource& source : thread.sources()) {
      cells = {"",
               "",
               "",
               source.name(),
               source.kind(),
               std::to_string(source.count()),
               FormatDuration(source.self_ns()),
               MeanText(source.self_ns(), source.count())};
      if (over_ns == 0) cells.emplace_back();
      AddRow(cells, source.count(), source.self_ns(), over_ns, &table);
    }
  }
  return table.Print();
}

// Below the row of all devices together.
void AddDevices(const v1::CpuInterrupts& cpu, int64_t over_ns, Table* table) {
  for (const v1::DeviceHandler& device : cpu.devices()) {
    const std::string unhandled = device.unhandled_count() > 0 ? fmt::format(" ({} not its own)", device.unhandled_count()) : "";
    AddRow({"", fmt::format("  {} [irq {}]{}", Printable(device.name()), device.irq(), unhandled), "device", std::to_string(device.count()),
            FormatDuration(device.self_ns()), MeanText(device.self_ns(), device.count())},
           device.count(), device.self_ns(), over_ns, table);
  }
}

// `steal_over_ns`: by CPU, see InterruptsSpan; read only with over_ns.
std::string CpuTable(const v1::QueryInterruptsResponse& response, int64_t over_ns, const std::map<int32_t, int64_t>& steal_over_ns) {
  Table table(
      WithRates({{"CPU"}, {"source", Table::Align::kLeft}, {"level", Table::Align::kLeft}, {"count"}, {"took"}, {"mean"}}, over_ns));
  for (const v1::CpuInterrupts& cpu : response.cpus()) {
    std::string number = std::to_string(cpu.cpu());
    for (const v1::InterruptSource& source : cpu.sources()) {
      AddRow({number, source.name(), source.kind(), std::to_string(source.count()), FormatDuration(source.self_ns()),
              MeanText(source.self_ns(), source.count())},
             source.count(), source.self_ns(), over_ns, &table);
      number.clear();
      if (source.name() == "device") AddDevices(cpu, over_ns, &table);
    }
    if (!cpu.has_steal_ns()) continue;
    std::vector<std::string> cells = {
        number, over_ns > 0 ? "hypervisor" : "hypervisor, since boot", "steal", "", FormatDuration(cpu.steal_ns()), ""};
    if (over_ns > 0) cells.insert(cells.end(), {"", RateCells(0, cpu.steal_ns(), steal_over_ns.at(cpu.cpu()))[1]});
    table.AddRow(cells);
  }
  return table.Print();
}

Json SourcesJson(const google::protobuf::RepeatedPtrField<v1::InterruptSource>& sources) {
  Json json = Json::array();
  for (const v1::InterruptSource& source : sources) {
    json.push_back({{"kind", source.kind()}, {"name", source.name()}, {"count", source.count()}, {"self_ns", source.self_ns()}});
  }
  return json;
}

Json CpuJson(const v1::CpuInterrupts& cpu) {
  Json json{{"cpu", cpu.cpu()}, {"sources", SourcesJson(cpu.sources())}, {"devices", Json::array()}};
  for (const v1::DeviceHandler& device : cpu.devices()) {
    Json entry{
        {"name", device.name()}, {"count", device.count()}, {"unhandled_count", device.unhandled_count()}, {"self_ns", device.self_ns()}};
    if (device.irq() > 0) entry["irq"] = device.irq();
    json["devices"].push_back(std::move(entry));
  }
  if (cpu.has_steal_ns()) {
    json["steal_ns"] = cpu.steal_ns();
    json["steal_monotonic_ns"] = cpu.steal_monotonic_ns();
  }
  json["unpaired_count"] = cpu.unpaired_count();
  json["discarded_count"] = cpu.discarded_count();
  return json;
}

// Of the window alone; nothing when none was asked for.
std::string WindowTable(const v1::QueryInterruptsResponse& response) {
  if (!response.has_window()) return "";
  const v1::Window& window = response.window();
  const std::string head = fmt::format("\nin the last {}{}", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                       WindowNote(window, response.time()));
  if (response.window_threads_size() == 0) return head + ": no interrupt took time from a thread\n";
  Table table({{"thread", Table::Align::kLeft}, {"pid"}, {"tid"}, {"took"}, {"hard irq"}, {"softirq"}, {"nmi"}});
  for (const v1::WindowInterrupts& row : response.window_threads()) {
    const v1::ThreadId& id = row.thread();
    table.AddRow({id.comm(), BothNumbers(id.pid(), id.namespace_pid()), BothNumbers(id.tid(), id.namespace_tid()),
                  FormatDuration(row.hard_irq_ns() + row.softirq_ns() + row.nmi_ns()), FormatDuration(row.hard_irq_ns()),
                  FormatDuration(row.softirq_ns()), FormatDuration(row.nmi_ns())});
  }
  return head + "\n" + table.Print();
}

void AddWindow(const v1::QueryInterruptsResponse& response, Json* json) {
  if (!response.has_window()) return;
  (*json)["window"] = WindowJson(response.window());
  (*json)["window_threads"] = Json::array();
  for (const v1::WindowInterrupts& row : response.window_threads()) {
    (*json)["window_threads"].push_back({{"tid", row.thread().tid()},
                                         {"comm", row.thread().comm()},
                                         {"pid", row.thread().pid()},
                                         {"nmi_ns", row.nmi_ns()},
                                         {"hard_irq_ns", row.hard_irq_ns()},
                                         {"softirq_ns", row.softirq_ns()}});
    AddInnerNumbers(row.thread(), &(*json)["window_threads"].back());
  }
}

// What is not of threads and CPUs.
std::string Beside(const v1::QueryInterruptsResponse& response, int64_t over_ns) {
  return WindowTable(response) + DeferredText(response.deferred(), over_ns) +
         (response.has_coalescing() ? CoalescingText(response.coalescing(), over_ns) : "");
}

std::string Text(const v1::QueryInterruptsResponse& response, int64_t over_ns, const std::map<int32_t, int64_t>& steal_over_ns) {
  const std::string threads = response.threads_size() == 0 ? "no thread is watched\n" : ThreadTable(response, over_ns);
  const bool any = std::any_of(response.cpus().begin(), response.cpus().end(),
                               [](const v1::CpuInterrupts& cpu) { return cpu.sources_size() > 0 || cpu.has_steal_ns(); });
  if (any) return threads + "\n" + CpuTable(response, over_ns, steal_over_ns);
  return threads + "\nno interrupt of these CPUs was seen " + (over_ns > 0 ? "in that time\n" : "since the daemon started\n");
}

}  // namespace

std::string InterruptsText(const v1::QueryInterruptsResponse& response) {
  return Text(response, 0, {}) + Beside(response, 0);
}

std::string InterruptsText(const InterruptsSpan& span) {
  // Of no time there are no rates: the two answers would be one.
  const int64_t over_ns = std::max<int64_t>(span.duration_ns, 1);
  return fmt::format("in {}\n", FormatDuration(span.duration_ns)) + Text(span.between, over_ns, span.steal_over_ns) +
         Beside(span.between, over_ns);
}

Json InterruptsJson(const InterruptsSpan& span) {
  Json json = InterruptsJson(span.between);
  json["duration_ns"] = span.duration_ns;
  json["lost_thread_count"] = span.lost_thread_count;
  json["lost_cpu_count"] = span.lost_cpu_count;
  json["deferred"] = DeferredJson(span.between.deferred(), /*of_part=*/true);
  if (span.between.has_coalescing()) {
    json["lost_device_count"] = span.lost_device_count;
    json["coalescing"] = CoalescingJson(span.between.coalescing(), std::max<int64_t>(span.duration_ns, 1));
  }
  for (Json& cpu : json["cpus"]) {
    if (const auto found = span.steal_over_ns.find(cpu["cpu"].get<int32_t>()); found != span.steal_over_ns.end())
      cpu["steal_over_ns"] = found->second;
  }
  for (Json& thread : json["threads"]) thread.erase("stretch_max_ns");
  return json;
}

Json InterruptsJson(const v1::QueryInterruptsResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  json["threads"] = Json::array();
  for (const v1::ThreadInterrupts& thread : response.threads()) {
    json["threads"].push_back({{"tid", thread.thread().tid()},
                               {"comm", thread.thread().comm()},
                               {"pid", thread.thread().pid()},
                               {"count", thread.count()},
                               {"self_ns", thread.self_ns()},
                               {"stretch_max_ns", thread.stretch_max_ns()},
                               {"sources", SourcesJson(thread.sources())}});
    AddInnerNumbers(thread.thread(), &json["threads"].back());
  }
  json["cpus"] = Json::array();
  for (const v1::CpuInterrupts& cpu : response.cpus()) json["cpus"].push_back(CpuJson(cpu));
  AddWindow(response, &json);
  json["deferred"] = DeferredJson(response.deferred(), /*of_part=*/false);
  if (response.has_coalescing()) json["coalescing"] = CoalescingJson(response.coalescing(), 0);
  return json;
}

}  // namespace hftmon
