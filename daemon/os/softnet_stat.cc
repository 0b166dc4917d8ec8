#include "daemon/os/softnet_stat.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/os/cpu_topology.h"

namespace hftmon {
namespace {

constexpr char kPath[] = "/proc/net/softnet_stat";
// Columns, all in hexadecimal.
constexpr size_t kProcessed = 0;
constexpr size_t kDropped = 1;
constexpr size_t kTimeSqueeze = 2;
constexpr size_t kReceivedRps = 9;
constexpr size_t kFlowLimit = 10;
constexpr size_t kCpu = 12;
constexpr size_t kColumnsMin = kFlowLimit + 1;
constexpr size_t kColumnsKnown = kCpu + 1;

// The numbers at the beginning of the line, and how many.
size_t ParseColumns(std::string_view line, std::array<uint32_t, kColumnsKnown>* columns) {
  size_t count = 0;
  while (count < columns->size()) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), (*columns)[count], 16);
    if (error != std::errc()) break;
    line.remove_prefix(static_cast<size_t>(end - line.data()));
    ++count;
  }
  return count;
}

}  // namespace

std::vector<SoftnetCpu> ParseSoftnetStat(std::string_view text, const std::vector<int>& online_cpus) {
  std::vector<SoftnetCpu> cpus;
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::array<uint32_t, kColumnsKnown> columns{};
    const size_t count = ParseColumns(text.substr(0, end), &columns);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t index = line_number++;
    if (count < kColumnsMin || (count < kColumnsKnown && index >= online_cpus.size())) continue;
    cpus.push_back({.cpu = count == kColumnsKnown ? static_cast<int>(columns[kCpu]) : online_cpus[index],
                    .processed_count = columns[kProcessed],
                    .dropped_count = columns[kDropped],
                    .time_squeeze_count = columns[kTimeSqueeze],
                    .received_rps_count = columns[kReceivedRps],
                    .flow_limit_count = columns[kFlowLimit]});
  }
  return cpus;
}

absl::StatusOr<std::vector<SoftnetCpu>> ReadSoftnetStat(const FileRoot& root) {
  absl::StatusOr<std::string> text = root.ReadFile(kPath);
  if (!text.ok()) return text.status();
  const absl::StatusOr<std::vector<int>> online = ReadOnlineCpus(root);
  return ParseSoftnetStat(*text, online.ok() ? *online : std::vector<int>());
}

}  // namespace hftmon
