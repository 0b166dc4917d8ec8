#include "daemon/os/interface_counters.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

constexpr char kFolder[] = "/sys/class/net";

std::optional<uint64_t> ReadNumber(const FileRoot& root, const std::string& path) {
  const absl::StatusOr<std::string> text = root.ReadFile(path);
  if (!text.ok()) return std::nullopt;
  const std::string_view number = Trim(*text);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return value;
}

}  // namespace

absl::StatusOr<InterfaceReport> ReadInterfaceCounters(const FileRoot& root, const std::string& only) {
  const absl::StatusOr<std::vector<std::string>> names = root.List(kFolder);
  if (!names.ok()) return names.status();
  InterfaceReport report;
  for (const std::string& name : *names) {
    if (!only.empty() && name != only) continue;
    const std::string folder = absl::StrCat(kFolder, "/", name);
    const std::optional<uint64_t> ifindex = ReadNumber(root, folder + "/ifindex");
    if (!ifindex) continue;  // none, or gone meanwhile
    if (report.interfaces.size() == kInterfacesMax) {
      ++report.unread_count;
      continue;
    }
    const auto read = [&](const char* counter) { return ReadNumber(root, absl::StrCat(folder, "/statistics/", counter)); };
    report.interfaces.push_back({.name = name,
                                 .ifindex = static_cast<uint32_t>(*ifindex),
                                 .rx_packets = read("rx_packets"),
                                 .rx_dropped = read("rx_dropped"),
                                 .rx_missed_errors = read("rx_missed_errors"),
                                 .rx_fifo_errors = read("rx_fifo_errors"),
                                 .tx_packets = read("tx_packets"),
                                 .tx_dropped = read("tx_dropped"),
                                 .tx_fifo_errors = read("tx_fifo_errors")});
  }
  return report;
}

uint32_t OwnNetworkNamespace() {
  struct stat about {};
  return stat("/proc/self/ns/net", &about) == 0 ? static_cast<uint32_t>(about.st_ino) : 0;
}

}  // namespace hftmon
