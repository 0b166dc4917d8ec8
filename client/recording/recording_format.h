// How a recording lies in a file: kRecordingMagic, then parts (hftmon.v1.RecordingPart), each after its length as a varint. The first part
// is the header. Parts are only appended, so a file that was cut off anywhere tells all that stands whole before the cut. Pure, any thread.
#ifndef HFTMON_CLIENT_RECORDING_RECORDING_FORMAT_H_
#define HFTMON_CLIENT_RECORDING_RECORDING_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hftmon/v1/recording.pb.h"

namespace hftmon {

inline constexpr std::string_view kRecordingMagic = "HFTMREC\n";
inline constexpr uint32_t kRecordingFormatVersion = 1;
// Above any answer of the daemon; a longer part is damage.
inline constexpr size_t kRecordingPartBytesMax = size_t{512} << 20;

// Appends the part with its length.
void AppendRecordingPart(const v1::RecordingPart& part, std::string* bytes);

// Cuts the first part off `bytes`.
enum class PartRead { kPart, kEnd, kCutOff, kDamaged };
PartRead TakeRecordingPart(std::string_view* bytes, v1::RecordingPart* part);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_RECORDING_RECORDING_FORMAT_H_
