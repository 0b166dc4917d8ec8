#include "daemon/stacks/kernel_stack_names.h"

#include <linux/types.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "daemon/bpf/kernel_time_events.h"

namespace hftmon {
namespace {

// Of the way from the tracepoint to the program that took the stack.
bool IsOfProgram(const StackFrame& frame) {
  static constexpr std::string_view kPrefixes[] = {"bpf_prog_", "bpf_trace_run", "__bpf_trace_", "__traceiter_"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) { return frame.symbol.starts_with(prefix); });
}

}  // namespace

void KernelStackNames::Prepare() {
  std::lock_guard lock(mutex_);
  symbols_.Prepare();
}

StackPart KernelStackNames::Find(int32_t stack) {
  if (stack < 0) {
    return {StackState::kUnavailable, "the table of senders' stacks has another one in its place", {}};
  }
  std::lock_guard lock(mutex_);
  if (const auto known = known_.find(stack); known != known_.end()) return known->second;
  StackPart part = Name(stack);
  if (part.state != StackState::kUnavailable && known_.size() < kStacksMax) known_[stack] = part;
  return part;
}

StackPart KernelStackNames::Name(int32_t stack) {
  const std::vector<uint64_t> addresses = read_(stack);
  if (addresses.empty()) return {StackState::kUnavailable, "it cannot be read from the table of senders' stacks", {}};
  StackPart part = symbols_.Symbolise(addresses);
  part.frames.erase(part.frames.begin(), std::find_if_not(part.frames.begin(), part.frames.end(), IsOfProgram));
  if (part.state == StackState::kComplete && addresses.size() >= HFT_SENDER_STACK_FRAMES) {
    part.state = StackState::kTruncated;
    part.reason = "it is deeper than the table of senders' stacks";
  }
  return part;
}

}  // namespace hftmon
