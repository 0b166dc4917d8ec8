#include "client/cli/record/file_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace hftmon {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

absl::Status FileError(const std::string& name, int error, const std::string& mend) {
  const std::string text = fmt::format("{}: {}: {}", name, std::strerror(error), mend);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM || error == EROFS) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<std::string> ReadFileBytes(const std::string& name, size_t bytes_max) {
  const bool is_input = name == "-";
  const int fd = is_input ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(name, errno, "name a file that `hftmon record` made, or - for standard input");
  std::string bytes;
  absl::Status status;
  while (status.ok()) {
    const size_t had = bytes.size();
    bytes.resize(had + kReadBytes);
    const ssize_t count = read(fd, bytes.data() + had, kReadBytes);
    const int error = errno;
    bytes.resize(had + static_cast<size_t>(count < 0 ? 0 : count));
    if (count < 0 && error == EINTR) continue;
    if (count < 0) status = FileError(name, error, "it cannot be read");
    if (count == 0) break;
    if (bytes.size() > bytes_max) {
      status = absl::ResourceExhaustedError(fmt::format("{}: longer than {} MiB: record a shorter time", name, bytes_max >> 20));
    }
  }
  if (!is_input) close(fd);
  if (!status.ok()) return status;
  return bytes;
}

absl::StatusOr<std::unique_ptr<WrittenFile>> WrittenFile::Create(const std::string& name) {
  const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return FileError(name, errno, "name a file that can be written");
  return std::unique_ptr<WrittenFile>(new WrittenFile(fd, name));
}

WrittenFile::~WrittenFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status WrittenFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError(name_, errno, "what was written is not complete: make room, or name another file");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status WrittenFile::Close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && close(fd) != 0) return FileError(name_, errno, "what was written is not complete: make room, or name another file");
  return absl::OkStatus();
}

}  // namespace hftmon
