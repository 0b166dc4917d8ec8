// FileRoot: reads the kernel's text files (/proc, /sys, /dev) below a root, so that a fixture tree can stand in for a host.
//
// Any thread; stateless. Not for the housekeeping loop: it makes system calls and allocates. A file is read whole up to a bound.
#ifndef HFTMON_DAEMON_OS_FILE_ROOT_H_
#define HFTMON_DAEMON_OS_FILE_ROOT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

inline constexpr size_t kFileBytesMax = 4u << 20;

class FileRoot {
 public:
  // "/" is this host; anything else a directory that holds proc/, sys/ …
  explicit FileRoot(std::string root = "/");

  // The whole file. `path` is absolute as on the host ("/proc/self/stat"). NOT_FOUND, PERMISSION_DENIED or UNKNOWN name the path and
  // errno; RESOURCE_EXHAUSTED when it is larger than `bytes_max`.
  absl::StatusOr<std::string> ReadFile(std::string_view path, size_t bytes_max = kFileBytesMax) const;
  // Its lines without their ends; the last line needs no newline.
  absl::StatusOr<std::vector<std::string>> ReadLines(std::string_view path) const;
  // Names in a directory, sorted, without "." and "..".
  absl::StatusOr<std::vector<std::string>> List(std::string_view path) const;
  // What a symbolic link says. Errors as ReadFile; INVALID_ARGUMENT: it is no link.
  absl::StatusOr<std::string> ReadLink(std::string_view path) const;
  bool Exists(std::string_view path) const;
  // Whether this process may open the file for reading.
  bool CanRead(std::string_view path) const;

  const std::string& root() const { return root_; }

 private:
  std::string Resolve(std::string_view path) const;

  std::string root_;  // without trailing slash; empty for "/"
};

// Without white space at both ends.
std::string_view Trim(std::string_view text);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_FILE_ROOT_H_
