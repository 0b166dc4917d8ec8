// ConvertStack: hftmon::Stack -> hftmon.v1.Stack. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_CONVERT_STACK_H_
#define HFTMON_DAEMON_SERVICE_CONVERT_STACK_H_

#include <memory>

#include "daemon/stacks/stack.h"
#include "hftmon/v1/stacks.pb.h"

namespace hftmon {

// One that was not asked for is none.
void StackPartToProto(const StackPart& part, v1::StackPart* out);

void StackToProto(const Stack& stack, v1::Stack* out);

// Fills `message`'s field `stack` when `source` has that wait's.
template <typename Source, typename Message>
void AddStack(const Source* source, uint32_t tid, int64_t end_mono_ns, Message* message) {
  if (source == nullptr) return;
  if (const auto stack = source->Find(tid, end_mono_ns)) StackToProto(*stack, message->mutable_stack());
}

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_CONVERT_STACK_H_
