// StackCodec: a Stack as the bytes that the unwinding process answers with. Pure functions.
// Text: one line for a part, one for each of its frames, tab-separated; control characters in names become '?'.
#ifndef HFTMON_DAEMON_STACKS_STACK_CODEC_H_
#define HFTMON_DAEMON_STACKS_STACK_CODEC_H_

#include <optional>
#include <string>
#include <string_view>

#include "daemon/stacks/stack.h"

namespace hftmon {

inline constexpr size_t kStackAnswerBytesMax = 192 * 1024;

std::string EncodeStack(const Stack& stack);
// Nothing when the text is not what EncodeStack writes: whoever sent it was confused, or is no longer ours.
std::optional<Stack> DecodeStack(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_STACKS_STACK_CODEC_H_
