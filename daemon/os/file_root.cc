#include "daemon/os/file_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>
#include <utility>

namespace hftmon {
namespace {

absl::Status ErrnoStatus(int error, std::string_view what, std::string_view path) {
  return absl::ErrnoToStatus(error, fmt::format("cannot {} {}", what, path));
}

struct FileDescriptor {
  explicit FileDescriptor(int opened) : fd(opened) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
  const int fd;
};

}  // namespace

FileRoot::FileRoot(std::string root) : root_(std::move(root)) {
  while (!root_.empty() && root_.back() == '/') root_.pop_back();
}

std::string FileRoot::Resolve(std::string_view path) const {
  return root_ + std::string(path);
}

absl::StatusOr<std::string> FileRoot::ReadFile(std::string_view path, size_t bytes_max) const {
  const std::string resolved = Resolve(path);
  const FileDescriptor file(::open(resolved.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return ErrnoStatus(errno, "open", resolved);
  // Sizes in /proc and /sys are not to be believed: read until the end.
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(file.fd, buffer, sizeof(buffer));
    if (got == 0) return text;
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "read", resolved);
    }
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > bytes_max) {
      return absl::ResourceExhaustedError(fmt::format("{} is larger than {} bytes: it is not read", resolved, bytes_max));
    }
  }
}

absl::StatusOr<std::vector<std::string>> FileRoot::ReadLines(std::string_view path) const {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    lines.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

absl::StatusOr<std::vector<std::string>> FileRoot::List(std::string_view path) const {
  const std::string resolved = Resolve(path);
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(resolved.c_str()), close);
  if (!directory) return ErrnoStatus(errno, "list", resolved);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoStatus(errno, "list", resolved);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::string> FileRoot::ReadLink(std::string_view path) const {
  const std::string resolved = Resolve(path);
  char target[PATH_MAX];
  const ssize_t length = ::readlink(resolved.c_str(), target, sizeof(target));
  if (length < 0) return ErrnoStatus(errno, "read the link", resolved);
  return std::string(target, static_cast<size_t>(length));
}

bool FileRoot::Exists(std::string_view path) const {
  struct stat status;
  return ::stat(Resolve(path).c_str(), &status) == 0;
}

bool FileRoot::CanRead(std::string_view path) const {
  const FileDescriptor file(::open(Resolve(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file.fd >= 0;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace hftmon
