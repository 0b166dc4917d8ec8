// KernelSymbols: /proc/kallsyms, read when the first kernel address is asked for. Bounded: kSymbolsMax.
#ifndef HFTMON_DAEMON_STACKS_KERNEL_SYMBOLS_H_
#define HFTMON_DAEMON_STACKS_KERNEL_SYMBOLS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/stacks/stack.h"

namespace hftmon {

class KernelSymbols {
 public:
  static constexpr size_t kSymbolsMax = 1'000'000;
  static constexpr uint64_t kFunctionBytesMax = 1u << 20;  // what is farther above a function's begin is another one's, without a name

  explicit KernelSymbols(std::string path = "/proc/kallsyms") : path_(std::move(path)) {}

  // Reads the symbols, if that was not done before.
  void Prepare() {
    if (!loaded_) Load();
  }
  // Frames with their symbols; kUnavailable where the kernel does not give its addresses (kptr_restrict): then none is shown.
  StackPart Symbolise(const std::vector<uint64_t>& addresses);

 private:
  struct Symbol {
    uint64_t address = 0;
    uint32_t name_at = 0;
  };

  void Load();
  void AddLine(const char* line);
  StackFrame FrameAt(uint64_t address) const;

  const std::string path_;
  bool loaded_ = false;
  std::string problem_;
  std::vector<Symbol> symbols_;  // by address
  std::string names_;            // "name\0" one after the other
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_KERNEL_SYMBOLS_H_
