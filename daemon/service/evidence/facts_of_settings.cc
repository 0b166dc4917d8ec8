#include "daemon/service/evidence/facts_of_settings.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"
#include "daemon/advice/template_text.h"
#include "daemon/os/cpu_topology.h"
#include "daemon/os/irqbalance_bans.h"
#include "daemon/os/named_processes.h"
#include "daemon/os/numa_nodes.h"
#include "daemon/os/swap_areas.h"
#include "daemon/service/evidence/facts_of_boot.h"
#include "daemon/service/evidence/facts_of_memory.h"
#include "daemon/service/evidence/setting_facts.h"
#include "daemon/service/evidence/setting_table.h"

namespace hftmon {
namespace {

using enum FactField;
using enum FactKind;

constexpr int64_t kNsPerUs = 1'000;
constexpr std::string_view kForEverybody = "clocksource";  // of the table's settings the one whose row asks for no reserved CPUs

std::string TextOf(const SettingValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return absl::StrCat(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return CleanText(*text);
  const auto& cpus = std::get<std::vector<int>>(value);
  return cpus.empty() ? "no CPU" : absl::StrCat("CPU ", FormatCpuList(cpus));
}

void SetValue(const SettingValue& value, Fact* fact) {
  if (const auto* number = std::get_if<int64_t>(&value)) fact->values[kValue] = *number;
  if (const auto* text = std::get_if<std::string>(&value)) fact->values[kValueWord] = *text;
  if (const auto* cpus = std::get_if<std::vector<int>>(&value)) SetCpus(fact, kValueCpus, *cpus);
}

std::string SentenceOf(const HostSetting& setting) {
  return absl::StrCat(CleanText(setting.path), " is ", TextOf(setting.value));
}

// What could not be read is told once a row: a host has thousands of files of one.
void AddUnread(const HostSettings& read, FactKind kind, SettingFacts* facts) {
  std::set<std::string_view> told;
  for (const UnreadSetting& unread : read.unread) {
    if (unread.absent || (!facts->has_role() && unread.row->name != kForEverybody) || !told.insert(unread.row->name).second) continue;
    facts->AddMissing(kind, unread.row->name, absl::StrCat(unread.path, ": ", unread.reason), "");
  }
}

// What else the rows of a setting ask for.
void Complete(const FileRoot& files, Fact* fact) {
  const std::string& setting = std::get<std::string>(fact->values[kSetting]);
  if (setting == "clocksource") {
    const auto available = files.ReadFile("/sys/devices/system/clocksource/clocksource0/available_clocksource");
    if (!available.ok()) return;
    const std::vector<std::string> sources = absl::StrSplit(*available, absl::ByAnyChar(" \n"));
    fact->values[kTscAvailable] = int64_t{std::find(sources.begin(), sources.end(), "tsc") != sources.end()};
  } else if (setting == "numa_balancing") {
    const absl::StatusOr<NumaNodes> nodes = ReadNumaNodes(files);
    if (!nodes.ok()) return;
    fact->values[kNodeCount] =
        std::count_if(nodes->nodes.begin(), nodes->nodes.end(), [](const NumaNode& node) { return node.has_memory; });
  }
}

void AddHostFiles(const FileRoot& files, SettingFacts* facts) {
  const HostSettings read = ReadHostSettings(files, HostSettingTable());
  for (const HostSetting& setting : read.settings) {
    Fact* fact = facts->Add(kHostSetting, setting.row->name, SentenceOf(setting));
    SetValue(setting.value, fact);
    Complete(files, fact);
  }
  AddUnread(read, kHostSetting, facts);
}

// Of "/sys/…/cpu2/cpuidle/state3/disable": what stands beside it.
void CompleteIdleState(const FileRoot& files, const HostSetting& setting, Fact* fact) {
  const std::string folder = setting.path.substr(0, setting.path.rfind('/'));
  int64_t number = 0;
  if (!setting.matched.empty() && absl::SimpleAtoi(setting.matched.back(), &number)) fact->values[kIdleStateIndex] = number;
  const auto name = files.ReadFile(folder + "/name");
  if (name.ok()) fact->values[kIdleState] = std::string(Trim(*name));
  const auto latency_us = files.ReadFile(folder + "/latency");
  if (!latency_us.ok() || !absl::SimpleAtoi(*latency_us, &number) || number < 0 || number > INT64_MAX / kNsPerUs) return;
  fact->values[kIdleLatencyNs] = number * kNsPerUs;
  absl::StrAppend(&fact->evidence.sentence, ", its latency ", number, " us");
}

void AddCpuFiles(const FileRoot& files, SettingFacts* facts) {
  for (const int cpu : facts->ReservedOnline()) {
    for (const SettingRow& row : CpuSettingTable()) {
      const size_t mark = row.path.find('#');
      const std::string path = absl::StrCat(std::string(row.path.substr(0, mark)), cpu, std::string(row.path.substr(mark + 1)));
      const SettingRow of_cpu = {row.name, path, row.form, row.scope};
      const HostSettings read = ReadHostSettings(files, std::span(&of_cpu, 1));
      for (const HostSetting& setting : read.settings) {
        Fact* fact = facts->AddOfCpu(cpu, row.name, SentenceOf(setting));
        SetValue(setting.value, fact);
        if (row.name == "idle_state") CompleteIdleState(files, setting, fact);
      }
      AddUnread(read, kCpuSetting, facts);
    }
  }
}

void AddSiblings(const FileRoot& files, SettingFacts* facts) {
  const CpuList& online = facts->context().online_cpus;
  for (const int cpu : facts->ReservedOnline()) {
    const absl::StatusOr<CpuList> siblings = ReadSmtSiblings(files, cpu);
    if (!siblings.ok()) {
      facts->AddMissing(kCpuSetting, "smt_sibling", std::string(siblings.status().message()), "");
      return;
    }
    for (const int sibling : *siblings) {
      const bool reserved = std::binary_search(facts->reserved().begin(), facts->reserved().end(), sibling);
      if (reserved || !std::binary_search(online.begin(), online.end(), sibling)) continue;
      Fact* fact = facts->AddOfCpu(cpu, "smt_sibling", absl::StrCat("CPU ", cpu, " and CPU ", sibling, " are of one core"));
      fact->values[kSiblingCpu] = int64_t{sibling};
    }
  }
}

void AddQueues(const FileRoot& files, SettingFacts* facts) {
  const HostSettings read = ReadHostSettings(files, QueueSettingTable(), kQueueFilesMax);
  for (const HostSetting& setting : read.settings) {
    Fact* fact = facts->Add(kCpuSetting, setting.row->name, SentenceOf(setting));
    SetValue(setting.value, fact);
    int64_t queue = 0;
    if (setting.matched.size() < 2 || !absl::SimpleAtoi(setting.matched[1], &queue)) continue;
    fact->values[kInterface] = setting.matched[0];
    fact->values[kQueue] = queue;
  }
  AddUnread(read, kCpuSetting, facts);
  if (read.left_out_count == 0) return;
  for (const SettingRow& row : QueueSettingTable()) {
    facts->AddMissing(kCpuSetting, row.name,
                      absl::StrCat(read.left_out_count, " files of queues were not looked at: ", kQueueFilesMax, " of a kind are"), "");
  }
}

void AddCoalescing(const SettingSources& sources, SettingFacts* facts) {
  constexpr std::string_view kName = "adaptive_rx";
  if (!sources.coalescing) return;
  const CoalescingReport report = sources.coalescing();
  if (!report.interfaces.devices.ok()) {
    facts->AddMissing(kCpuSetting, kName, std::string(report.interfaces.devices.status().message()), "");
    return;
  }
  for (const InterfaceInterrupts& interface : *report.interfaces.devices) {
    if (interface.settings.ok()) {
      const bool adaptive = interface.settings->adaptive_rx;
      Fact* fact = facts->Add(kCpuSetting, kName,
                              absl::StrCat("the driver of ", CleanText(interface.device.name), " says adaptive-rx ",
                                           adaptive ? "on" : "off", ", rx-usecs ", interface.settings->rx_usecs));
      fact->values[kInterface] = interface.device.name;
      fact->values[kValue] = int64_t{adaptive};
    } else if (!absl::IsUnimplemented(interface.settings.status())) {
      facts->AddMissing(kCpuSetting, kName, std::string(interface.settings.status().message()), "");
    }
  }
  if (report.interfaces.unread_count > 0) {
    facts->AddMissing(kCpuSetting, kName, absl::StrCat(report.interfaces.unread_count, " interfaces were not looked at"), "");
  }
}

void AddIrqbalance(const FileRoot& files, SettingFacts* facts) {
  const absl::StatusOr<std::vector<pid_t>> pids = FindProcessesNamed(files, "irqbalance");
  if (!pids.ok()) {
    if (facts->has_role()) facts->AddMissing(kHostSetting, "irqbalance", std::string(pids.status().message()), "");
    return;
  }
  CpuList missing;
  std::string sentence = pids->empty() ? "no process is named irqbalance" : absl::StrCat("irqbalance runs as ", pids->front());
  for (const pid_t pid : *pids) {
    const absl::StatusOr<std::optional<CpuList>> bans = ReadIrqbalanceBans(files, pid);
    if (!bans.ok()) {
      if (facts->has_role()) {
        facts->AddMissing(kHostSetting, "irqbalance",
                          absl::StrCat("irqbalance runs as ", pid,
                                       ", what it leaves alone is not known: ", CleanText(std::string(bans.status().message()))),
                          "");
      }
      return;
    }
    const CpuList left_alone = bans->has_value() ? **bans : ReadReservedCpus(files).value_or(CpuList());
    CpuList not_banned = facts->ReservedWithout(left_alone);
    if (not_banned.size() > missing.size()) missing = std::move(not_banned);
    absl::StrAppend(&sentence, ", leaves ", left_alone.empty() ? "no CPU" : absl::StrCat("CPU ", FormatCpuList(left_alone)), " alone (",
                    bans->has_value() ? "its environment" : "those that are isolated or nohz_full", ")");
  }
  Fact* fact = facts->Add(kHostSetting, "irqbalance", std::move(sentence));
  fact->values[kValue] = int64_t{!pids->empty()};
  SetCpus(fact, kMissingCpus, missing);
}

void AddSwap(const SettingSources& sources, SettingFacts* facts) {
  const absl::StatusOr<std::vector<SwapArea>> areas = ReadSwapAreas(sources.files);
  if (!areas.ok()) {
    facts->AddMissing(kHostSetting, "swap", std::string(areas.status().message()), "");
    return;
  }
  int64_t swapped_bytes = 0;
  for (const uint32_t pid : sources.pids) {
    const auto status = sources.files.ReadFile(absl::StrCat("/proc/", pid, "/status"));
    if (status.ok()) swapped_bytes += ParseProcessMemory(*status).swapped_bytes.value_or(0);
  }
  Fact* fact = facts->Add(kHostSetting, "swap",
                          absl::StrCat("/proc/swaps names ", areas->size(), areas->size() == 1 ? " area" : " areas", "; of targets ",
                                       swapped_bytes, " bytes are in swap"));
  fact->values[kValue] = static_cast<int64_t>(areas->size());
  fact->values[kSwappedBytes] = swapped_bytes;
}

}  // namespace

void AddSettingFacts(const EvidenceContext& context, const SettingSources& sources, std::vector<Fact>* facts,
                     std::vector<MissingEvidence>* missing) {
  SettingFacts settings(context, facts, missing);
  AddBootFacts(sources.files, &settings);
  AddHostFiles(sources.files, &settings);
  AddIrqbalance(sources.files, &settings);
  AddSwap(sources, &settings);
  if (!settings.has_role()) return;
  AddCpuFiles(sources.files, &settings);
  AddSiblings(sources.files, &settings);
  AddQueues(sources.files, &settings);
  AddCoalescing(sources, &settings);
}

}  // namespace hftmon
