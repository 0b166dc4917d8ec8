#include "daemon/stacks/kernel_symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace hftmon {

void KernelSymbols::AddLine(const char* line) {
  Symbol symbol;
  char kind = 0;
  char name[kStackNameBytesMax + 1] = {};
  if (sscanf(line, "%" SCNx64 " %c %256s", &symbol.address, &kind, name) != 3) return;
  if (symbol.address == 0 || (kind != 't' && kind != 'T' && kind != 'w' && kind != 'W')) return;
  symbol.name_at = static_cast<uint32_t>(names_.size());
  names_.append(name, strlen(name) + 1);
  symbols_.push_back(symbol);
}

void KernelSymbols::Load() {
  loaded_ = true;
  std::ifstream file(path_);
  std::string line;
  while (symbols_.size() < kSymbolsMax && std::getline(file, line)) AddLine(line.c_str());
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
  if (symbols_.empty()) {
    problem_ = fmt::format(
        "{} gives no addresses: give hftmond CAP_SYSLOG (under systemd with ProtectKernelLogs=no and ProtectKernelTunables=no), "
        "kernel.kptr_restrict below 2",
        path_);
  }
}

StackFrame KernelSymbols::FrameAt(uint64_t address) const {
  StackFrame frame{.address = address, .symbol = {}, .symbol_offset = 0, .module = "[kernel]", .module_offset = address};
  auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address, [](uint64_t at, const Symbol& s) { return at < s.address; });
  if (after == symbols_.begin()) return frame;
  --after;
  // Of a module that came after the symbols were read.
  if (address - after->address > kFunctionBytesMax) return frame;
  frame.symbol = names_.c_str() + after->name_at;
  frame.symbol_offset = address - after->address;
  return frame;
}

StackPart KernelSymbols::Symbolise(const std::vector<uint64_t>& addresses) {
  Prepare();
  if (!problem_.empty()) return {StackState::kUnavailable, problem_, {}};
  StackPart part{StackState::kComplete, {}, {}};
  for (const uint64_t address : addresses) part.frames.push_back(FrameAt(address));
  return part;
}

}  // namespace hftmon
