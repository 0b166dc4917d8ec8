// A recording that the user names, as a ByteSource. One thread.
#ifndef HFTMON_CLIENT_CLI_IMPORT_RECORDING_SOURCE_H_
#define HFTMON_CLIENT_CLI_IMPORT_RECORDING_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/perf/byte_source.h"

namespace hftmon {

// What has no places to read at, standard input or a pipe, is read into memory: at most so much of it.
inline constexpr uint64_t kPipedBytesMax = uint64_t{1} << 30;

// "-" is standard input. Errors name the file: NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (a folder), RESOURCE_EXHAUSTED (more than
// kPipedBytesMax from a pipe), UNAVAILABLE for what else the system says. `piped_bytes_max` is for tests.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenRecording(const std::string& name, uint64_t piped_bytes_max = kPipedBytesMax);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_RECORDING_SOURCE_H_
