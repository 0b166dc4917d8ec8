#include "common/perf/perf_features.h"

#include <fmt/format.h>

#include <limits>
#include <string_view>
#include <utility>

#include "common/perf/perf_attr.h"
#include "common/perf/perf_data_format.h"
#include "common/perf/perf_field_cursor.h"
#include "common/perf/perf_task_records.h"

namespace hftmon {
namespace {

constexpr uint32_t kCountMax = 65'536;

// A u32 length, then so many bytes, filled up with NULs.
std::string TakeSizedText(PerfFieldCursor* cursor, std::string_view field) {
  const std::span<const std::byte> bytes = cursor->TakeBytes(cursor->Take<uint32_t>(field), field);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(text.substr(0, text.find('\0')));
}

// More than kCountMax do not fit: they would be no host's, and an empty one takes more memory than in the file.
uint32_t TakeCount(PerfFieldCursor* cursor, std::string_view field) {
  const auto count = cursor->Take<uint32_t>(field);
  if (count > kCountMax) cursor->TakeBytes(std::numeric_limits<uint64_t>::max(), field);
  return count;
}

void TakeCommandLine(PerfFieldCursor* cursor, PerfHost* host) {
  host->command.clear();
  for (uint32_t left = TakeCount(cursor, "number of words"); left > 0 && cursor->ok(); --left) {
    host->command.push_back(TakeSizedText(cursor, "word of the command line"));
  }
}

void TakeNodes(PerfFieldCursor* cursor, PerfFeatures* features) {
  std::vector<PerfNode>& nodes = features->host.nodes;
  nodes.clear();
  features->dropped_nodes = features->nodes_without_cpus = 0;
  for (uint32_t left = TakeCount(cursor, "number of nodes"); left > 0 && cursor->ok(); --left) {
    PerfNode node;
    node.node = cursor->Take<uint32_t>("node");
    node.total_kb = cursor->Take<uint64_t>("memory of the node");
    node.free_kb = cursor->Take<uint64_t>("free memory of the node");
    node.cpus = TakeSizedText(cursor, "CPUs of the node");
    if (!cursor->ok()) return;
    if (nodes.size() == PerfDataFormat::kNodesMax) {
      ++features->dropped_nodes;
      continue;
    }
    if (node.cpus.size() > PerfDataFormat::kNodeCpusBytesMax) {
      ++features->nodes_without_cpus;
      node.cpus = {};
    }
    nodes.push_back(std::move(node));
  }
}

absl::Status TakeDescriptions(PerfFieldCursor* cursor, std::vector<PerfEventDescription>* descriptions) {
  descriptions->clear();
  const auto count = cursor->Take<uint32_t>("number of events");
  const auto attr_bytes = cursor->Take<uint32_t>("size of an attr");
  if (count > PerfDataFormat::kEventsMax) return absl::DataLossError(fmt::format("EVENT_DESC names {} events", count));
  for (uint32_t i = 0; i < count && cursor->ok(); ++i) {
    cursor->TakeBytes(attr_bytes, "attr");
    const auto id_count = cursor->Take<uint32_t>("number of ids");
    PerfEventDescription description{.name = TakeSizedText(cursor, "name")};
    const std::span<const std::byte> ids = cursor->TakeArray(id_count, 8, "ids");
    if (description.name.size() > kPerfNameBytesMax) return absl::DataLossError("EVENT_DESC has a name that is longer than any");
    for (size_t at = 0; at < ids.size(); at += 8) description.ids.push_back(LoadLittleEndian<uint64_t>(ids, at));
    descriptions->push_back(std::move(description));
  }
  return absl::OkStatus();
}

std::string_view FeatureName(PerfFeature feature) {
  switch (feature) {
    case PerfFeature::kBuildIds:
      return "BUILD_ID";
    case PerfFeature::kHostname:
      return "HOSTNAME";
    case PerfFeature::kRelease:
      return "OSRELEASE";
    case PerfFeature::kVersion:
      return "VERSION";
    case PerfFeature::kArch:
      return "ARCH";
    case PerfFeature::kCpuCount:
      return "NRCPUS";
    case PerfFeature::kCpu:
      return "CPUDESC";
    case PerfFeature::kCpuId:
      return "CPUID";
    case PerfFeature::kMemory:
      return "TOTAL_MEM";
    case PerfFeature::kCommandLine:
      return "CMDLINE";
    case PerfFeature::kEventDescriptions:
      return "EVENT_DESC";
    case PerfFeature::kNodes:
      return "NUMA_TOPOLOGY";
    case PerfFeature::kDirectory:
      return "DIR_FORMAT";
  }
  return {};
}

// The text of the host that the feature is; null: none.
std::string* TextOf(PerfFeature feature, PerfHost* host) {
  switch (feature) {
    case PerfFeature::kHostname:
      return &host->hostname;
    case PerfFeature::kRelease:
      return &host->release;
    case PerfFeature::kVersion:
      return &host->perf_version;
    case PerfFeature::kArch:
      return &host->arch;
    case PerfFeature::kCpu:
      return &host->cpu;
    case PerfFeature::kCpuId:
      return &host->cpu_id;
    default:
      return nullptr;
  }
}

}  // namespace

bool IsPerfFeatureRead(uint32_t number) {
  return !FeatureName(static_cast<PerfFeature>(number)).empty();
}

absl::Status ParsePerfFeature(uint32_t number, std::span<const std::byte> payload, PerfFeatures* features) {
  if (!IsPerfFeatureRead(number)) return absl::OkStatus();
  const auto feature = static_cast<PerfFeature>(number);
  const std::string_view name = FeatureName(feature);
  PerfFieldCursor cursor(name, payload);
  PerfHost* const host = &features->host;
  if (std::string* const text = TextOf(feature, host); text != nullptr) {
    *text = TakeSizedText(&cursor, "text");
  } else if (feature == PerfFeature::kCpuCount) {
    host->cpus_available = cursor.Take<uint32_t>("CPUs that are there");
    host->cpus_online = cursor.Take<uint32_t>("CPUs that are online");
  } else if (feature == PerfFeature::kMemory) {
    host->memory_kb = cursor.Take<uint64_t>("memory");
  } else if (feature == PerfFeature::kCommandLine) {
    TakeCommandLine(&cursor, host);
  } else if (feature == PerfFeature::kNodes) {
    TakeNodes(&cursor, features);
  } else if (feature == PerfFeature::kEventDescriptions) {
    if (absl::Status taken = TakeDescriptions(&cursor, &features->descriptions); !taken.ok()) return taken;
  } else if (feature == PerfFeature::kBuildIds) {
    return features->build_ids.AddFeature(payload);
  } else {
    features->directory = true;
  }
  return cursor.status();
}

}  // namespace hftmon
