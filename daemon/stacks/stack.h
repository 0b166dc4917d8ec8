// Stack: where a thread was while it was off its CPU, as an answer carries it. Passive data.
//
// A frame's address is where execution goes on: for all but the innermost it is a return address, so its symbol is that of the byte before
// it. Addresses of the kernel are only given where the kernel gives them (kptr_restrict).
#ifndef HFTMON_DAEMON_STACKS_STACK_H_
#define HFTMON_DAEMON_STACKS_STACK_H_

#include <cstdint>
#include <string>
#include <vector>

namespace hftmon {

inline constexpr int kStackFramesMax = 128;
inline constexpr int kStackNameBytesMax = 256;

struct StackFrame {
  uint64_t address = 0;
  std::string symbol;          // demangled; empty when there is none
  uint64_t symbol_offset = 0;  // address - symbol's
  std::string module;          // path in the process's own mount namespace, "[vdso]", "[kernel]"; empty when it lies in no file
  uint64_t module_offset = 0;  // in the file's own addresses: what addr2line and objdump take
};

enum class StackState : uint8_t {
  kNotAsked,
  kComplete,     // down to the thread's first frame
  kTruncated,    // the outer frames are missing: `reason` says why
  kUnavailable,  // no frame is known: `reason` says why
};

struct StackPart {
  StackState state = StackState::kNotAsked;
  std::string reason;
  std::vector<StackFrame> frames;  // innermost first
};

struct Stack {
  StackPart kernel;
  StackPart user;
  int64_t record_ns = 0;  // its cost on the thread's CPU when the wait ended
  int64_t copy_ns = 0;    // what copying the raw user stack cost at a switch-out, as last timed; 0 = not asked for
  int64_t unwind_ns = 0;  // its cost outside the thread's CPU; 0 when it was found in the cache
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_H_
