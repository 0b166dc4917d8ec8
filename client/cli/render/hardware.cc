#include "client/cli/render/hardware.h"

#include <fmt/format.h>

#include <vector>

#include "client/cli/table.h"
#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string Percent(double ratio) {
  return fmt::format("{:.1f} %", ratio * 100);
}

// An empty cell is shown as unknown.
std::string Cell(bool known, uint64_t count) {
  return known ? std::to_string(count) : "";
}

std::string ThrottleCell(const v1::CpuHardware& cpu) {
  if (!cpu.has_core_throttle_count()) return "";
  std::string text = std::to_string(cpu.core_throttle_count());
  if (cpu.has_core_throttle_ns() && cpu.core_throttle_ns() > 0) text += " (" + FormatDuration(cpu.core_throttle_ns()) + ")";
  return text;
}

std::string SiblingsCell(const v1::CpuHardware& cpu) {
  return FormatCpuList(std::vector<int>(cpu.smt_siblings().begin(), cpu.smt_siblings().end()));
}

std::string CpuTable(const v1::QueryHardwareResponse& response) {
  Table table({{"CPU"},
               {"readings"},
               {"last"},
               {"SMIs"},
               {"frequency"},
               {"lowest"},
               {"drops"},
               {"changes"},
               {"machine checks"},
               {"throttled"},
               {"steal"},
               {"siblings"}});
  for (const v1::CpuHardware& cpu : response.cpus()) {
    table.AddRow({std::to_string(cpu.cpu()), std::to_string(cpu.reading_count()),
                  cpu.has_reading_age_ns() ? FormatDuration(cpu.reading_age_ns()) + " ago" : "", Cell(cpu.has_smi_count(), cpu.smi_count()),
                  cpu.has_frequency_ratio() ? Percent(cpu.frequency_ratio()) : "",
                  cpu.has_frequency_ratio_lowest() ? Percent(cpu.frequency_ratio_lowest()) : "",
                  Cell(cpu.has_frequency_drop_count(), cpu.frequency_drop_count()),
                  Cell(cpu.has_frequency_change_count(), cpu.frequency_change_count()),
                  Cell(cpu.has_machine_check_count(), cpu.machine_check_count()), ThrottleCell(cpu),
                  cpu.has_steal_ns() ? FormatDuration(cpu.steal_ns()) : "", SiblingsCell(cpu)});
  }
  return table.empty() ? "no CPU\n" : table.Print();
}

std::string IdleTable(const v1::QueryHardwareResponse& response) {
  Table table({{"CPU"}, {"idle state", Table::Align::kLeft}, {"latency, by its driver"}, {"count"}, {"sum"}, {"longest"}});
  bool since_boot = false;
  for (const v1::CpuHardware& cpu : response.cpus()) {
    since_boot = since_boot || cpu.idle_states_since_boot();
    for (const v1::IdleStateSum& state : cpu.idle_states()) {
      table.AddRow({std::to_string(cpu.cpu()), fmt::format("{} {}", state.index(), Printable(state.name())),
                    state.has_target_latency_ns() ? FormatDuration(state.target_latency_ns()) : "", std::to_string(state.count()),
                    FormatDuration(state.duration_ns()), state.has_longest_ns() ? FormatDuration(state.longest_ns()) : ""});
    }
  }
  if (table.empty()) return "";
  return fmt::format("\nidle states, since {}\n{}", since_boot ? "boot" : "the programs were attached", table.Print());
}

std::string MachineCheckLines(const v1::QueryHardwareResponse& response) {
  std::string text;
  for (const v1::CpuHardware& cpu : response.cpus()) {
    if (!cpu.has_last_machine_check()) continue;
    const v1::MachineCheck& check = cpu.last_machine_check();
    text += fmt::format("CPU {}: the last machine check: bank {}, status {:#x}\n", cpu.cpu(), check.bank(), check.status());
  }
  return text;
}

std::string RegisterTable(const v1::QueryHardwareResponse& response) {
  Table table({{"CPU"}, {"register", Table::Align::kLeft}, {"address"}, {"value"}});
  std::string missing;
  for (const v1::CpuHardware& cpu : response.cpus()) {
    for (const v1::ModelRegister& reading : cpu.registers()) {
      table.AddRow(
          {std::to_string(cpu.cpu()), reading.name(), fmt::format("{:#x}", reading.address()), fmt::format("{:#x}", reading.value())});
    }
    if (!cpu.registers_reason().empty()) missing += fmt::format("registers unavailable: {}\n", Printable(cpu.registers_reason()));
  }
  std::string text = table.empty() ? "" : "\n" + table.Print();
  if (response.register_cross_calls() > 0) {
    text += fmt::format("reading them sent {} to the CPUs named\n", Counted(response.register_cross_calls(), "interrupt"));
  }
  return text + missing;
}

std::string UnavailableLines(const v1::QueryHardwareResponse& response) {
  std::string text;
  for (const v1::HardwareSource& source : response.sources()) {
    if (source.available()) continue;
    const std::string mend = source.mend().empty() ? "" : ": " + Printable(source.mend());
    text += fmt::format("{} unavailable: {}{}\n", source.name(), Printable(source.reason()), mend);
  }
  return text.empty() ? "" : "\n" + text;
}

Json IdleStateJson(const v1::IdleStateSum& state) {
  Json json{{"index", state.index()}};
  if (!state.name().empty()) json["name"] = state.name();
  if (state.has_target_latency_ns()) json["target_latency_ns"] = state.target_latency_ns();
  json["count"] = state.count();
  json["duration_ns"] = state.duration_ns();
  if (state.has_longest_ns()) json["longest_ns"] = state.longest_ns();
  return json;
}

void AddReadings(const v1::CpuHardware& cpu, Json* json) {
  (*json)["reading_count"] = cpu.reading_count();
  if (cpu.has_reading_age_ns()) (*json)["reading_age_ns"] = cpu.reading_age_ns();
  (*json)["readings_span_ns"] = cpu.readings_span_ns();
  if (cpu.has_smi_count()) (*json)["smi_count"] = cpu.smi_count();
  if (cpu.has_tsc_hz()) (*json)["tsc_hz"] = cpu.tsc_hz();
  if (cpu.has_frequency_ratio()) (*json)["frequency_ratio"] = cpu.frequency_ratio();
  if (cpu.has_frequency_ratio_lowest()) (*json)["frequency_ratio_lowest"] = cpu.frequency_ratio_lowest();
  if (cpu.has_frequency_drop_count()) (*json)["frequency_drop_count"] = cpu.frequency_drop_count();
}

void AddEvents(const v1::CpuHardware& cpu, Json* json) {
  if (cpu.has_frequency_change_count()) (*json)["frequency_change_count"] = cpu.frequency_change_count();
  if (cpu.has_frequency_khz()) (*json)["frequency_khz"] = cpu.frequency_khz();
  if (cpu.has_frequency_lowest_khz()) (*json)["frequency_lowest_khz"] = cpu.frequency_lowest_khz();
  if (cpu.has_machine_check_count()) (*json)["machine_check_count"] = cpu.machine_check_count();
  if (cpu.has_last_machine_check()) {
    const v1::MachineCheck& check = cpu.last_machine_check();
    (*json)["last_machine_check"] = {{"bank", check.bank()}, {"status", check.status()}, {"monotonic_ns", check.monotonic_ns()}};
  }
  if (cpu.has_thermal_interrupt_count()) (*json)["thermal_interrupt_count"] = cpu.thermal_interrupt_count();
  if (cpu.has_threshold_interrupt_count()) (*json)["threshold_interrupt_count"] = cpu.threshold_interrupt_count();
  if (cpu.has_deferred_error_interrupt_count()) (*json)["deferred_error_interrupt_count"] = cpu.deferred_error_interrupt_count();
  if (cpu.has_core_throttle_count()) (*json)["core_throttle_count"] = cpu.core_throttle_count();
  if (cpu.has_core_throttle_ns()) (*json)["core_throttle_ns"] = cpu.core_throttle_ns();
  if (cpu.has_package_throttle_count()) (*json)["package_throttle_count"] = cpu.package_throttle_count();
  if (cpu.has_package_throttle_ns()) (*json)["package_throttle_ns"] = cpu.package_throttle_ns();
}

Json CpuJson(const v1::CpuHardware& cpu) {
  Json json{{"cpu", cpu.cpu()}};
  AddReadings(cpu, &json);
  json["idle_states"] = Json::array();
  for (const v1::IdleStateSum& state : cpu.idle_states()) json["idle_states"].push_back(IdleStateJson(state));
  json["idle_states_since_boot"] = cpu.idle_states_since_boot();
  json["idle_unpaired_count"] = cpu.idle_unpaired_count();
  AddEvents(cpu, &json);
  if (cpu.has_steal_ns()) json["steal_ns"] = cpu.steal_ns();
  if (cpu.has_steal_age_ns()) json["steal_age_ns"] = cpu.steal_age_ns();
  json["smt_siblings"] = cpu.smt_siblings();
  if (cpu.registers_size() > 0) json["registers"] = Json::array();
  for (const v1::ModelRegister& reading : cpu.registers()) {
    json["registers"].push_back({{"name", reading.name()}, {"address", reading.address()}, {"value", reading.value()}});
  }
  if (!cpu.registers_reason().empty()) json["registers_reason"] = cpu.registers_reason();
  return json;
}

std::string SiblingText(const v1::SiblingBusy& sibling) {
  if (!sibling.has_busy_ns()) return "";
  std::string text = fmt::format("    SMT sibling CPU {} was busy for {} of it", sibling.cpu(), FormatDuration(sibling.busy_ns()));
  if (sibling.truncated()) text += " or more";
  if (sibling.tid() > 0) {
    text += fmt::format(", most of it with {}[{}/{}]: {}", Printable(sibling.comm()), sibling.pid(), sibling.tid(),
                        FormatDuration(sibling.actor_ns()));
  }
  return text + "\n";
}

}  // namespace

std::string HardwareText(const v1::QueryHardwareResponse& response) {
  return CpuTable(response) + MachineCheckLines(response) + IdleTable(response) + RegisterTable(response) + UnavailableLines(response);
}

Json HardwareJson(const v1::QueryHardwareResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["collecting"] = response.collecting();
  json["attach_cross_calls"] = response.attach_cross_calls();
  json["register_cross_calls"] = response.register_cross_calls();
  json["sources"] = Json::array();
  for (const v1::HardwareSource& source : response.sources()) {
    Json entry{{"name", source.name()}, {"available", source.available()}, {"reason", source.reason()}};
    if (!source.mend().empty()) entry["mend"] = source.mend();
    json["sources"].push_back(std::move(entry));
  }
  json["cpus"] = Json::array();
  for (const v1::CpuHardware& cpu : response.cpus()) json["cpus"].push_back(CpuJson(cpu));
  return json;
}

std::string HardwareEvidenceText(const v1::HardwareEvidence& evidence) {
  std::vector<std::string> bounds;
  if (evidence.has_smi_count_max()) bounds.push_back(fmt::format("at most {}", Counted(evidence.smi_count_max(), "SMI")));
  if (evidence.has_steal_ns_max())
    bounds.push_back(fmt::format("at most {} stolen by the hypervisor", FormatDuration(evidence.steal_ns_max())));
  if (evidence.has_frequency_ratio_lowest()) {
    bounds.push_back(fmt::format("its frequency at {} of the base or more", Percent(evidence.frequency_ratio_lowest())));
  }
  std::string text;
  if (!bounds.empty()) {
    text = fmt::format("    CPU within {} around it: {}\n", FormatDuration(evidence.reading_span_ns()), fmt::join(bounds, ", "));
  }
  for (const v1::SiblingBusy& sibling : evidence.siblings()) text += SiblingText(sibling);
  return text;
}

Json HardwareEvidenceJson(const v1::HardwareEvidence& evidence) {
  Json json = Json::object();
  if (evidence.has_reading_span_ns()) json["reading_span_ns"] = evidence.reading_span_ns();
  if (evidence.has_smi_count_max()) json["smi_count_max"] = evidence.smi_count_max();
  if (evidence.has_steal_ns_max()) json["steal_ns_max"] = evidence.steal_ns_max();
  if (evidence.has_frequency_ratio_lowest()) json["frequency_ratio_lowest"] = evidence.frequency_ratio_lowest();
  json["siblings"] = Json::array();
  for (const v1::SiblingBusy& sibling : evidence.siblings()) {
    Json entry{{"cpu", sibling.cpu()}};
    if (sibling.has_busy_ns()) entry["busy_ns"] = sibling.busy_ns();
    entry["truncated"] = sibling.truncated();
    entry["error_ns"] = sibling.error_ns();
    if (sibling.tid() > 0) {
      entry["pid"] = sibling.pid();
      entry["tid"] = sibling.tid();
      entry["comm"] = sibling.comm();
      entry["actor_ns"] = sibling.actor_ns();
    }
    json["siblings"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace hftmon
