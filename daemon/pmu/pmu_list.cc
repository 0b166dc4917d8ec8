#include "daemon/pmu/pmu_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/cpu_list.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr std::string_view kFolder = "/sys/bus/event_source/devices";
constexpr size_t kPmusMax = 4096;
constexpr size_t kEventsMax = 4096;
constexpr size_t kFieldsMax = 256;
// One page, as sysfs has it.
constexpr size_t kFileBytes = 4096;

// Absent: there is no such file. One that is not understood is there all the same: it is counted, and names no CPU.
std::optional<std::vector<int>> ReadCpus(const FileRoot& root, const std::string& path, Pmu* pmu) {
  if (!root.Exists(path)) return std::nullopt;
  const auto text = root.ReadFile(path, kFileBytes);
  auto cpus = text.ok() ? ParseCpuList(Trim(*text)) : absl::StatusOr<std::vector<int>>(text.status());
  if (cpus.ok()) return *std::move(cpus);
  ++pmu->unread_count;
  return std::vector<int>();
}

// "mem-loads.unit", "….scale", "….snapshot" and "….per-pkg" tell of an event, they are none.
bool TellsOfAnother(std::string_view name) {
  constexpr std::string_view kSuffixes[] = {".unit", ".scale", ".snapshot", ".per-pkg"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [name](std::string_view suffix) { return name.ends_with(suffix); });
}

void ReadEvents(const FileRoot& root, const std::string& folder, Pmu* pmu) {
  const auto names = root.List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (TellsOfAnother(name)) continue;
    const auto text = root.ReadFile(fmt::format("{}/{}", folder, name), kFileBytes);
    if (!text.ok() || pmu->events.size() == kEventsMax) {
      ++pmu->unread_count;
      continue;
    }
    pmu->events[name] = Trim(*text);
  }
}

void ReadFields(const FileRoot& root, const std::string& folder, Pmu* pmu) {
  const auto names = root.List(folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const auto text = root.ReadFile(fmt::format("{}/{}", folder, name), kFileBytes);
    auto field = text.ok() ? ParsePmuField(*text) : absl::StatusOr<PmuField>(text.status());
    if (!field.ok() || pmu->fields.size() == kFieldsMax) {
      ++pmu->unread_count;
      continue;
    }
    pmu->fields[name] = *std::move(field);
  }
}

std::optional<Pmu> ReadPmu(const FileRoot& root, const std::string& name) {
  const std::string folder = fmt::format("{}/{}", kFolder, name);
  const auto type_text = root.ReadFile(folder + "/type", kFileBytes);
  const auto type = type_text.ok() ? ParseNumber<uint32_t>(Trim(*type_text)) : std::nullopt;
  if (!type) return std::nullopt;
  Pmu pmu{.name = name, .type = *type};
  // `cpus` are those whose own counters it is; `cpumask` are those that read for all who share the counted unit. Arm's sampling unit alone
  // says `cpumask` and means `cpus`.
  const auto cpus = ReadCpus(root, folder + "/cpus", &pmu);
  const auto mask = ReadCpus(root, folder + "/cpumask", &pmu);
  pmu.core = name == "cpu" || cpus.has_value();
  pmu.per_thread = pmu.core || !mask || name.starts_with("arm_spe_");
  pmu.cpus = cpus ? *cpus : mask.value_or(std::vector<int>());
  if (const auto precise = root.ReadFile(folder + "/caps/max_precise", kFileBytes); precise.ok()) {
    pmu.precise_max = ParseNumber<int>(Trim(*precise));
    if (pmu.precise_max && (*pmu.precise_max < 0 || *pmu.precise_max > 3)) pmu.precise_max.reset();
  }
  if (const auto interval = root.ReadFile(folder + "/caps/min_interval", kFileBytes); interval.ok()) {
    pmu.interval_min = ParseNumber<uint64_t>(Trim(*interval));
  }
  ReadFields(root, folder + "/format", &pmu);
  ReadEvents(root, folder + "/events", &pmu);
  return pmu;
}

}  // namespace

PmuList PmuList::Read(const FileRoot& root) {
  PmuList list;
  const auto names = root.List(kFolder);
  if (!names.ok()) {
    list.reason =
        fmt::format("{}: is sysfs mounted, and the kernel built with CONFIG_PERF_EVENTS=y?", std::string(names.status().message()));
    return list;
  }
  for (const std::string& name : *names) {
    std::optional<Pmu> pmu;
    if (list.pmus.size() < kPmusMax) pmu = ReadPmu(root, name);
    if (pmu) {
      list.pmus.push_back(*std::move(pmu));
    } else {
      ++list.unread_count;
    }
  }
  if (list.pmus.empty()) list.reason = fmt::format("the kernel lists no PMU in {}", kFolder);
  return list;
}

const Pmu* PmuList::Find(std::string_view name) const {
  const auto found = std::find_if(pmus.begin(), pmus.end(), [name](const Pmu& pmu) { return pmu.name == name; });
  return found == pmus.end() ? nullptr : &*found;
}

const Pmu* PmuList::OfType(uint32_t type) const {
  const auto found = std::find_if(pmus.begin(), pmus.end(), [type](const Pmu& pmu) { return pmu.type == type; });
  return found == pmus.end() ? nullptr : &*found;
}

std::vector<const Pmu*> PmuList::Cores() const {
  std::vector<const Pmu*> cores;
  for (const Pmu& pmu : pmus) {
    if (pmu.core) cores.push_back(&pmu);
  }
  return cores;
}

bool IsArmPmuV3Name(std::string_view pmu_name) {
  return pmu_name.starts_with("armv8_") || pmu_name.starts_with("armv9_");
}

}  // namespace hftmon
