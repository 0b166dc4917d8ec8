#include "daemon/service/convert_stack.h"

#include "common/utf8.h"

namespace hftmon {
namespace {

const char* StateName(StackState state) {
  switch (state) {
    case StackState::kComplete:
      return "complete";
    case StackState::kTruncated:
      return "truncated";
    default:
      return "unavailable";
  }
}

}  // namespace

void StackPartToProto(const StackPart& part, v1::StackPart* out) {
  out->set_state(StateName(part.state));
  out->set_reason(ValidUtf8(part.reason));
  for (const StackFrame& frame : part.frames) {
    v1::StackFrame* entry = out->add_frames();
    entry->set_address(frame.address);
    entry->set_symbol(ValidUtf8(frame.symbol));
    entry->set_symbol_offset(frame.symbol_offset);
    entry->set_module(ValidUtf8(frame.module));
    entry->set_module_offset(frame.module_offset);
  }
}

void StackToProto(const Stack& stack, v1::Stack* out) {
  if (stack.kernel.state != StackState::kNotAsked) StackPartToProto(stack.kernel, out->mutable_kernel());
  if (stack.user.state != StackState::kNotAsked) StackPartToProto(stack.user, out->mutable_user());
  out->set_record_ns(stack.record_ns);
  out->set_copy_ns(stack.copy_ns);
  out->set_unwind_ns(stack.unwind_ns);
}

}  // namespace hftmon
