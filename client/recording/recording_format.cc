#include "client/recording/recording_format.h"

namespace hftmon {
namespace {

constexpr int kLengthBytesMax = 5;  // of a varint of at most 35 bits, above kRecordingPartBytesMax

}  // namespace

void AppendRecordingPart(const v1::RecordingPart& part, std::string* bytes) {
  uint64_t length = part.ByteSizeLong();
  while (length >= 0x80) {
    bytes->push_back(static_cast<char>(length | 0x80));
    length >>= 7;
  }
  bytes->push_back(static_cast<char>(length));
  part.AppendToString(bytes);
}

PartRead TakeRecordingPart(std::string_view* bytes, v1::RecordingPart* part) {
  if (bytes->empty()) return PartRead::kEnd;
  uint64_t length = 0;
  size_t used = 0;
  for (uint8_t byte = 0x80; (byte & 0x80) != 0; ++used) {
    if (used == kLengthBytesMax) return PartRead::kDamaged;
    if (used == bytes->size()) return PartRead::kCutOff;
    byte = static_cast<uint8_t>((*bytes)[used]);
    length |= uint64_t{byte & 0x7fu} << (7 * used);
  }
  if (length > kRecordingPartBytesMax) return PartRead::kDamaged;
  if (length > bytes->size() - used) return PartRead::kCutOff;
  if (!part->ParseFromArray(bytes->data() + used, static_cast<int>(length))) return PartRead::kDamaged;
  bytes->remove_prefix(used + length);
  return PartRead::kPart;
}

}  // namespace hftmon
