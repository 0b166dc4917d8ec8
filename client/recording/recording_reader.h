// From the bytes of a recording file to a Recording. Pure, any thread.
#ifndef HFTMON_CLIENT_RECORDING_RECORDING_READER_H_
#define HFTMON_CLIENT_RECORDING_RECORDING_READER_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "client/recording/recording.h"

namespace hftmon {

// What is missing at a cut or behind damage is told in the recording's notes. INVALID_ARGUMENT: no recording, of a later format, or cut off
// before its header's end.
absl::StatusOr<Recording> ReadRecording(std::string_view bytes);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_RECORDING_RECORDING_READER_H_
