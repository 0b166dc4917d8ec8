#include "daemon/os/interrupt_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/cpu_list.h"

namespace hftmon {
namespace {

// A file that is not there is an empty list: the line is gone, or this kernel does not tell.
absl::StatusOr<std::vector<int>> CpusIn(const FileRoot& root, const std::string& path) {
  const auto text = root.ReadFile(path);
  if (absl::IsNotFound(text.status())) return std::vector<int>();
  if (!text.ok()) return text.status();
  return ParseCpuList(*text);
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

// Without handlers or CPUs where nobody handles it, or it is gone.
absl::StatusOr<InterruptLine> ReadLine(const FileRoot& root, int irq) {
  InterruptLine line;
  line.irq = irq;
  line.handlers = HandlersOf(root, irq);
  if (line.handlers.empty()) return line;
  line.chip = WordIn(root, fmt::format("/sys/kernel/irq/{}/chip_name", irq));
  absl::StatusOr<std::vector<int>> allowed = CpusIn(root, fmt::format("/proc/irq/{}/smp_affinity_list", irq));
  if (!allowed.ok()) return allowed.status();
  absl::StatusOr<std::vector<int>> effective = CpusIn(root, fmt::format("/proc/irq/{}/effective_affinity_list", irq));
  if (!effective.ok()) return effective.status();
  line.allowed_cpus = *std::move(allowed);
  line.effective_cpus = *std::move(effective);
  return line;
}

std::vector<int> NumbersIn(const std::vector<std::string>& names) {
  std::vector<int> numbers;
  for (const std::string& name : names) {
    int number = 0;
    if (absl::SimpleAtoi(name, &number) && number >= 0) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

absl::StatusOr<InterruptLines> ReadInterruptLines(const FileRoot& root, size_t lines_max) {
  const auto names = root.List("/proc/irq");
  if (!names.ok()) return names.status();
  InterruptLines read;
  for (const int irq : NumbersIn(*names)) {
    absl::StatusOr<InterruptLine> line = ReadLine(root, irq);
    if (line.ok() && (line->handlers.empty() || line->allowed_cpus.empty())) continue;
    if (!line.ok() || read.lines.size() == lines_max) {
      ++read.unread_count;
      continue;
    }
    read.lines.push_back(*std::move(line));
  }
  return read;
}

}  // namespace hftmon
