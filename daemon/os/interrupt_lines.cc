#include "daemon/os/interrupt_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

std::vector<int> CpusIn(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path);
  if (!text.ok()) return {};
  return ParseCpuList(*text).value_or(std::vector<int>());
}

std::string WordIn(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path);
  return text.ok() ? std::string(Trim(*text)) : "";
}

// Kernels without /sys/kernel/irq tell the handlers by directories beside the files; files have names without a handler's meaning.
std::vector<std::string> HandlersOf(const FileRoot& root, int irq) {
  const std::string actions = fmt::format("/sys/kernel/irq/{}/actions", irq);
  if (root.Exists(actions)) return absl::StrSplit(WordIn(root, actions), ',', absl::SkipWhitespace());
  const std::string folder = fmt::format("/proc/irq/{}", irq);
  std::vector<std::string> handlers = root.List(folder).value_or(std::vector<std::string>());
  std::erase_if(handlers, [&](const std::string& name) { return !root.List(folder + "/" + name).ok(); });
  return handlers;
}

std::optional<InterruptLine> ReadLine(const FileRoot& root, int irq) {
  InterruptLine line;
  line.irq = irq;
  line.handlers = HandlersOf(root, irq);
  if (line.handlers.empty()) return std::nullopt;
  line.chip = WordIn(root, fmt::format("/sys/kernel/irq/{}/chip_name", irq));
  line.allowed_cpus = CpusIn(root, fmt::format("/proc/irq/{}/smp_affinity_list", irq));
  line.effective_cpus = CpusIn(root, fmt::format("/proc/irq/{}/effective_affinity_list", irq));
  if (line.allowed_cpus.empty()) return std::nullopt;  // gone meanwhile
  return line;
}

}  // namespace

absl::StatusOr<std::vector<InterruptLine>> ReadInterruptLines(const FileRoot& root) {
  const auto names = root.List("/proc/irq");
  if (!names.ok()) return names.status();
  std::vector<int> irqs;
  for (const std::string& name : *names) {
    int irq = 0;
    if (absl::SimpleAtoi(name, &irq) && irq >= 0) irqs.push_back(irq);
  }
  std::sort(irqs.begin(), irqs.end());
  std::vector<InterruptLine> lines;
  for (const int irq : irqs) {
    if (lines.size() == kInterruptLinesMax) break;
    if (std::optional<InterruptLine> line = ReadLine(root, irq)) lines.push_back(*std::move(line));
  }
  return lines;
}

}  // namespace hftmon
