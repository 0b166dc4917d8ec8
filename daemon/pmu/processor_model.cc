#include "daemon/pmu/processor_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/os/event_terms.h"
#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

// Some 1,500 bytes for each of at most 8,192 CPUs.
constexpr size_t kCpuinfoBytesMax = 32u << 20;

// Decimal or hexadecimal, as the line has it.
std::optional<uint32_t> Small(std::string_view text) {
  const auto number = ParseEventNumber(text);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

struct CpuinfoBlock {
  std::string_view vendor;
  std::optional<uint32_t> family, model, stepping, implementer, part;

  void Take(std::string_view key, std::string_view value) {
    if (key == "vendor_id") vendor = value;
    if (key == "cpu family") family = Small(value);
    if (key == "model") model = Small(value);
    if (key == "stepping") stepping = Small(value);
    if (key == "CPU implementer") implementer = Small(value);
    if (key == "CPU part") part = Small(value);
  }

  std::optional<ProcessorModel> Model() const {
    if (implementer && part) return ProcessorModel{.vendor = ProcessorVendor::kArm, .implementer = *implementer, .part = *part};
    if (vendor.empty() || !family || !model) return std::nullopt;
    ProcessorModel read{.family = *family, .model = *model, .stepping = stepping.value_or(0)};
    if (vendor == "GenuineIntel") read.vendor = ProcessorVendor::kIntel;
    if (vendor == "AuthenticAMD") read.vendor = ProcessorVendor::kAmd;
    return read;
  }
};

}  // namespace

std::optional<ProcessorModel> ParseCpuinfo(std::string_view text, int cpu) {
  CpuinfoBlock block;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = Trim(line.substr(0, colon));
    const std::string_view value = Trim(line.substr(colon + 1));
    if (key == "processor") {
      if (inside) break;  // the next CPU's
      inside = ParseNumber<int>(value) == cpu;
    }
    if (inside) block.Take(key, value);
  }
  return block.Model();
}

std::optional<ProcessorModel> ParseMidr(std::string_view text) {
  const auto midr = ParseEventNumber(Trim(text));
  if (!midr) return std::nullopt;
  return ProcessorModel{.vendor = ProcessorVendor::kArm,
                        .implementer = static_cast<uint32_t>(*midr >> 24 & 0xff),
                        .part = static_cast<uint32_t>(*midr >> 4 & 0xfff)};
}

absl::StatusOr<ProcessorModel> ReadProcessorModel(const FileRoot& root, int cpu) {
  const auto midr = root.ReadFile(fmt::format("/sys/devices/system/cpu/cpu{}/regs/identification/midr_el1", cpu));
  if (midr.ok()) {
    if (const auto model = ParseMidr(*midr)) return *model;
  }
  const auto cpuinfo = root.ReadFile("/proc/cpuinfo", kCpuinfoBytesMax);
  if (!cpuinfo.ok()) return cpuinfo.status();
  if (const auto model = ParseCpuinfo(*cpuinfo, cpu)) return *model;
  return absl::NotFoundError(fmt::format("neither midr_el1 nor /proc/cpuinfo tells the model of CPU {}: is it online?", cpu));
}

uint64_t MidrOf(const ProcessorModel& model) {
  return uint64_t{model.implementer} << 24 | uint64_t{model.part} << 4;
}

std::string ProcessorName(const ProcessorModel& model) {
  switch (model.vendor) {
    case ProcessorVendor::kArm:
      return fmt::format("Arm implementer {:#x} part {:#x}", model.implementer, model.part);
    case ProcessorVendor::kIntel:
      return fmt::format("Intel family {} model {}", model.family, model.model);
    case ProcessorVendor::kAmd:
      return fmt::format("AMD family {} model {}", model.family, model.model);
    case ProcessorVendor::kOther:
      break;
  }
  return fmt::format("family {} model {} of another vendor", model.family, model.model);
}

}  // namespace hftmon
