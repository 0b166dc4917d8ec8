#include "daemon/os/kernel_functions.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace hftmon {
namespace {

constexpr char kPath[] = "/proc/kallsyms";
constexpr size_t kBytesMax = 64u << 20;

struct SymbolLine {
  uint64_t address = 0;
  char kind = 0;
  std::string_view name;
};

// "ffffffff81000000 T name"; behind the name of a module's symbol the module, in brackets.
SymbolLine ParseLine(std::string_view line) {
  SymbolLine symbol;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), symbol.address, 16);
  const auto at = static_cast<size_t>(end - line.data());
  if (error != std::errc() || at + 3 >= line.size() || line[at] != ' ') return {};
  symbol.kind = line[at + 1];
  const std::string_view rest = line.substr(at + 3);
  symbol.name = rest.substr(0, rest.find_first_of(" \t"));
  return symbol;
}

bool IsFunction(char kind) {
  return kind == 't' || kind == 'T' || kind == 'w' || kind == 'W';
}

}  // namespace

std::set<uint64_t> KernelFunctions::Unknown(std::span<const uint64_t> addresses) const {
  std::lock_guard lock(mutex_);
  std::set<uint64_t> unknown;
  for (const uint64_t address : addresses) {
    if (!names_.contains(address) && names_.size() + unknown.size() < kNamesMax) unknown.insert(address);
  }
  return unknown;
}

void KernelFunctions::Learn(std::span<const uint64_t> addresses) {
  const std::set<uint64_t> wanted = Unknown(addresses);
  if (wanted.empty()) return;
  // Without the mutex: who asks for a name does not wait for the file.
  const absl::StatusOr<std::string> text = files_.ReadFile(kPath, kBytesMax);
  std::string problem = text.ok() ? "" : std::string(text.status().message());
  std::map<uint64_t, std::string> found;
  bool any = false;
  std::string_view rest = text.ok() ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const SymbolLine symbol = ParseLine(rest.substr(0, end));
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    if (symbol.address == 0 || !IsFunction(symbol.kind)) continue;
    any = true;
    // Of several names the first: the others are aliases.
    if (wanted.contains(symbol.address)) found.try_emplace(symbol.address, symbol.name);
  }
  if (problem.empty() && !any) {
    problem = fmt::format(
        "{} gives no addresses: give hftmond CAP_SYSLOG (under systemd with ProtectKernelLogs=no and ProtectKernelTunables=no), "
        "kernel.kptr_restrict below 2",
        kPath);
  }
  std::lock_guard lock(mutex_);
  problem_ = problem;
  if (!problem_.empty()) return;  // it may be mended meanwhile
  names_.merge(found);
  for (const uint64_t address : wanted) names_.try_emplace(address);
}

std::string KernelFunctions::NameOf(uint64_t address) const {
  std::lock_guard lock(mutex_);
  const auto found = names_.find(address);
  return found == names_.end() || found->second.empty() ? fmt::format("{:#x}", address) : found->second;
}

std::string KernelFunctions::problem() const {
  std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace hftmon
