#include "daemon/stacks/stack_codec.h"

#include <fmt/format.h>

#include <charconv>

#include "daemon/stacks/split.h"

namespace hftmon {
namespace {

std::string Clean(std::string_view name) {
  std::string clean(name.substr(0, kStackNameBytesMax));
  for (char& letter : clean) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = '?';
  }
  return clean;
}

void EncodePart(const StackPart& part, std::string* text) {
  *text += fmt::format("part\t{}\t{}\n", static_cast<int>(part.state), Clean(part.reason));
  for (const StackFrame& frame : part.frames) {
    *text += fmt::format("frame\t{:x}\t{:x}\t{:x}\t{}\t{}\n", frame.address, frame.symbol_offset, frame.module_offset, Clean(frame.symbol),
                         Clean(frame.module));
  }
}

bool ParseHex(std::string_view text, uint64_t* value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), *value, 16);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool DecodeFrame(const std::vector<std::string_view>& fields, StackPart* part) {
  if (fields.size() != 6 || part->frames.size() >= kStackFramesMax) return false;
  StackFrame frame;
  if (!ParseHex(fields[1], &frame.address) || !ParseHex(fields[2], &frame.symbol_offset) || !ParseHex(fields[3], &frame.module_offset))
    return false;
  if (fields[4].size() > kStackNameBytesMax || fields[5].size() > kStackNameBytesMax) return false;
  frame.symbol = fields[4];
  frame.module = fields[5];
  part->frames.push_back(std::move(frame));
  return true;
}

}  // namespace

std::string EncodeStack(const Stack& stack) {
  std::string text;
  EncodePart(stack.kernel, &text);
  EncodePart(stack.user, &text);
  return text;
}

std::optional<Stack> DecodeStack(std::string_view text) {
  if (text.size() > kStackAnswerBytesMax) return std::nullopt;
  Stack stack;
  StackPart* const parts[] = {&stack.kernel, &stack.user};
  size_t part_count = 0;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string_view> fields = Split(line, '\t');
    if (fields[0] == "frame") {
      if (part_count == 0 || !DecodeFrame(fields, parts[part_count - 1])) return std::nullopt;
      continue;
    }
    uint64_t state = 0;
    if (fields[0] != "part" || fields.size() != 3 || part_count == 2 || !ParseHex(fields[1], &state)) return std::nullopt;
    if (state > static_cast<uint64_t>(StackState::kUnavailable) || fields[2].size() > kStackNameBytesMax) return std::nullopt;
    parts[part_count]->state = static_cast<StackState>(state);
    parts[part_count]->reason = fields[2];
    ++part_count;
  }
  if (part_count != 2) return std::nullopt;
  return stack;
}

}  // namespace hftmon
