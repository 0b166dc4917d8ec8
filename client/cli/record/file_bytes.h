// Whole files, read and written, named by the user. Errors name the file and say what to do.
#ifndef HFTMON_CLIENT_CLI_RECORD_FILE_BYTES_H_
#define HFTMON_CLIENT_CLI_RECORD_FILE_BYTES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace hftmon {

// What a recording may be long: the recorder stops there, and a longer file is not read.
inline constexpr size_t kRecordingBytesMax = size_t{2} << 30;

// `name` "-": standard input. NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (longer than `bytes_max`), UNAVAILABLE.
absl::StatusOr<std::string> ReadFileBytes(const std::string& name, size_t bytes_max = kRecordingBytesMax);

// A file that is written from its beginning; what it held before is gone. One thread at a time.
class WrittenFile {
 public:
  static absl::StatusOr<std::unique_ptr<WrittenFile>> Create(const std::string& name);
  ~WrittenFile();
  WrittenFile(const WrittenFile&) = delete;
  WrittenFile& operator=(const WrittenFile&) = delete;

  // All of it, at once: what was written before a crash of this process stays.
  absl::Status Write(std::string_view bytes);
  // The last call: an error that a file system tells only now.
  absl::Status Close();

 private:
  WrittenFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd_;
  const std::string name_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RECORD_FILE_BYTES_H_
