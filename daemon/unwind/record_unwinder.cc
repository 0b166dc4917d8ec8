#include "daemon/unwind/record_unwinder.h"

#include <algorithm>

namespace hftmon {
namespace {

StackPart ProblemPart(uint8_t problem, const char* helper_reason) {
  switch (problem) {
    case HFT_STACK_NOT_ASKED:
      return {};
    case HFT_STACK_NO_HELPER:
      return {StackState::kUnavailable, helper_reason, {}};
    case HFT_STACK_NO_COPY:
      return {
          StackState::kUnavailable, "its stack was not copied: its switch-out was not seen, or its slot is above the table of copies", {}};
    case HFT_STACK_NOT_RESIDENT:
      return {StackState::kUnavailable, "the page at its stack pointer was not in memory", {}};
    default:
      return {StackState::kUnavailable, "the kernel could not walk it", {}};
  }
}

}  // namespace

Stack RecordUnwinder::Unwind(const hft_stack& record) {
  Stack stack;
  const std::vector<uint64_t> kernel(record.kernel, record.kernel + std::min<size_t>(record.kernel_depth, HFT_STACK_KERNEL_FRAMES));
  stack.kernel = record.kernel_problem == HFT_STACK_FINE
                     ? kernel_symbols_.Symbolise(kernel)
                     : ProblemPart(record.kernel_problem, "this kernel has no bpf_get_task_stack, or raw tracepoints are used");
  if (stack.kernel.state == StackState::kComplete && record.kernel_depth >= HFT_STACK_KERNEL_FRAMES) {
    stack.kernel.state = StackState::kTruncated;
    stack.kernel.reason = "it is deeper than the record";
  }
  stack.user = record.user_problem == HFT_STACK_FINE
                   ? user_unwinder_.Unwind(record)
                   : ProblemPart(record.user_problem, "its registers are known on x86-64 only, from Linux 5.15, without raw tracepoints");
  return stack;
}

}  // namespace hftmon
