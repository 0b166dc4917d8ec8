#include "daemon/unwind/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

bool IsSane(int path_fd, const std::string& path, uint64_t inode, std::string* reason) {
  struct stat found = {};
  if (fstat(path_fd, &found) != 0) {
    *reason = fmt::format("{}: {}", path, strerror(errno));
  } else if (!S_ISREG(found.st_mode)) {
    *reason = fmt::format("{} is no regular file", path);
  } else if (inode != 0 && found.st_ino != inode) {
    *reason = fmt::format("{} was replaced since it was mapped", path);
  } else if (found.st_size > kMappedFileBytesMax) {
    *reason = fmt::format("{} is larger than 1 GiB", path);
  } else {
    return true;
  }
  return false;
}

}  // namespace

int OpenElf(const std::string& path, uint64_t inode, std::string* reason) {
  const int path_fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (path_fd < 0) {
    *reason = fmt::format("{}: {}", path, strerror(errno));
    return -1;
  }
  int fd = -1;
  if (IsSane(path_fd, path, inode, reason)) {
    fd = open(fmt::format("/proc/self/fd/{}", path_fd).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) *reason = fmt::format("{}: {}", path, strerror(errno));
  }
  close(path_fd);
  char magic[4] = {};
  if (fd >= 0 && (pread(fd, magic, sizeof(magic), 0) != sizeof(magic) || memcmp(magic, "\177ELF", sizeof(magic)) != 0)) {
    *reason = fmt::format("{} is no ELF file", path);
    close(fd);
    fd = -1;
  }
  return fd;
}

int OpenMappedFile(const std::string& process, const Mapping& mapping, std::string* reason) {
  const int fd = OpenElf(fmt::format("{}/map_files/{:x}-{:x}", process, mapping.begin, mapping.end), 0, reason);
  if (fd >= 0) return fd;
  return OpenElf(process + "/root" + mapping.path, mapping.inode, reason);
}

}  // namespace hftmon
