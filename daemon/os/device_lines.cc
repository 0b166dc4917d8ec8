#include "daemon/os/device_lines.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace hftmon {
namespace {

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "0,12,7": a number for each CPU.
std::optional<uint64_t> SumOfCpus(std::string_view text) {
  uint64_t sum = 0;
  text = Trim(text);
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::optional<uint64_t> count = ParseNumber<uint64_t>(text.substr(0, comma));
    if (!count) return std::nullopt;
    sum += *count;
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return sum;
}

// The numbers that the device itself names; empty: none.
std::vector<int> NumbersOf(const FileRoot& root, const std::string& device) {
  std::vector<int> numbers;
  if (const auto names = root.List(device + "/msi_irqs"); names.ok()) {
    for (const std::string& name : *names) {
      if (const std::optional<int> number = ParseNumber<int>(name); number && numbers.size() < kLinesPerDeviceMax)
        numbers.push_back(*number);
    }
  }
  if (numbers.empty()) {
    // Without messages: the wire's, 0 where it has none.
    const auto text = root.ReadFile(device + "/irq");
    const std::optional<int> number = text.ok() ? ParseNumber<int>(Trim(*text)) : std::nullopt;
    if (number.value_or(0) > 0) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool IsPci(const FileRoot& root, const std::string& device) {
  return root.Exists(device + "/vendor") && root.Exists(device + "/class");
}

}  // namespace

absl::StatusOr<std::vector<DeviceLine>> ReadDeviceLines(const FileRoot& root, const std::string& folder) {
  const std::string device = folder + "/device";
  if (!root.Exists(device)) return absl::NotFoundError(absl::StrCat(folder, " has no device: it is virtual"));
  std::vector<int> numbers;
  // Of virtio the bus's device is above it, of NVMe above the controller and its class. Higher up they would be many devices' together.
  for (const char* above : {"", "/..", "/../.."}) {
    numbers = NumbersOf(root, absl::StrCat(device, above));
    // A PCI device that has none has none: above it is its bridge.
    if (!numbers.empty() || IsPci(root, absl::StrCat(device, above))) break;
  }
  std::vector<DeviceLine> lines;
  for (const int number : numbers) {
    const std::string of_line = absl::StrCat("/sys/kernel/irq/", number);
    const auto counts = root.ReadFile(of_line + "/per_cpu_count");
    const std::optional<uint64_t> count = counts.ok() ? SumOfCpus(*counts) : std::nullopt;
    if (!count) continue;
    const auto actions = root.ReadFile(of_line + "/actions");
    lines.push_back({.irq = number, .handler = actions.ok() ? std::string(Trim(*actions)) : "", .count = *count});
  }
  if (!lines.empty()) return lines;
  if (numbers.empty()) return absl::NotFoundError(absl::StrCat(device, " names no interrupt of its own"));
  return absl::NotFoundError("/sys/kernel/irq does not count interrupts: Linux 4.9 or newer is needed");
}

}  // namespace hftmon
