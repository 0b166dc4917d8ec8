#include "client/cli/render/interrupts.h"

#include <fmt/format.h>

#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string MeanText(int64_t sum_ns, uint64_t count) {
  return count > 0 ? FormatDuration(sum_ns / static_cast<int64_t>(count)) : "";
}

std::string ThreadTable(const v1::QueryInterruptsResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"pid"},
               {"tid"},
               {"source", Table::Align::kLeft},
               {"level", Table::Align::kLeft},
               {"count"},
               {"took"},
               {"mean"},
               {"longest stretch"}});
  for (const v1::ThreadInterrupts& thread : response.threads()) {
    const v1::ThreadId& id = thread.thread();
    table.AddRow({id.comm(), std::to_string(id.pid()), std::to_string(id.tid()), "all", "", std::to_string(thread.count()),
                  FormatDuration(thread.self_ns()), MeanText(thread.self_ns(), thread.count()), FormatDuration(thread.stretch_max_ns())});
    for (const v1::InterruptSource& source : thread.sources()) {
      table.AddRow({"", "", "", source.name(), source.kind(), std::to_string(source.count()), FormatDuration(source.self_ns()),
                    MeanText(source.self_ns(), source.count()), ""});
    }
  }
  return table.Print();
}

std::string CpuTable(const v1::QueryInterruptsResponse& response) {
  Table table({{"CPU"}, {"source", Table::Align::kLeft}, {"level", Table::Align::kLeft}, {"count"}, {"took"}, {"mean"}});
  for (const v1::CpuInterrupts& cpu : response.cpus()) {
    std::string number = std::to_string(cpu.cpu());
    for (const v1::InterruptSource& source : cpu.sources()) {
      table.AddRow({number, source.name(), source.kind(), std::to_string(source.count()), FormatDuration(source.self_ns()),
                    MeanText(source.self_ns(), source.count())});
      number.clear();
    }
    for (const v1::DeviceHandler& device : cpu.devices()) {
      const std::string unhandled = device.unhandled_count() > 0 ? fmt::format(" ({} not its own)", device.unhandled_count()) : "";
      table.AddRow({number, fmt::format("  {} [irq {}]{}", Printable(device.name()), device.irq(), unhandled), "device",
                    std::to_string(device.count()), FormatDuration(device.self_ns()), MeanText(device.self_ns(), device.count())});
    }
    if (cpu.has_steal_ns()) table.AddRow({number, "hypervisor, since boot", "steal", "", FormatDuration(cpu.steal_ns()), ""});
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

}  // namespace

std::string InterruptsText(const v1::QueryInterruptsResponse& response) {
  std::string text = response.threads_size() == 0 ? "no thread is watched\n" : ThreadTable(response);
  if (response.cpus_size() > 0) text += "\n" + CpuTable(response);
  return text;
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
  }
  json["cpus"] = Json::array();
  for (const v1::CpuInterrupts& cpu : response.cpus()) json["cpus"].push_back(CpuJson(cpu));
  return json;
}

}  // namespace hftmon
