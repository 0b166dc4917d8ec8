#include "tests/privileged/harness/disk_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

namespace hftmon::testing {
namespace {

constexpr size_t kBlockBytes = 4096;

constexpr char kFile[] = "/proc/self/exe";

// The disk of the file's file system, a partition's whole disk; empty: it is on none.
std::string DiskOf(const char* file) {
  struct stat about {};
  if (stat(file, &about) != 0) return "";
  std::error_code error;
  const std::string number = std::to_string(major(about.st_dev)) + ":" + std::to_string(minor(about.st_dev));
  std::filesystem::path device = std::filesystem::canonical("/sys/dev/block/" + number, error);
  if (error) return "";
  if (std::filesystem::exists(device / "partition", error)) device = device.parent_path();
  return device.filename();
}

}  // namespace

DiskReader::DiskReader() : disk_(DiskOf(kFile)) {
  if (disk_.empty()) {
    why_not_ = "this program's file system is on no block device";
    return;
  }
  if (!std::filesystem::exists("/sys/block/" + disk_ + "/device")) {
    why_not_ = "this program's file system is on " + disk_ + ", which is no device but made of others";
    return;
  }
  fd_ = open(kFile, O_RDONLY | O_DIRECT | O_CLOEXEC);
  if (fd_ < 0) why_not_ = "this program's file cannot be read past the cache: " + std::string(std::strerror(errno));
}

DiskReader::~DiskReader() {
  if (fd_ >= 0) close(fd_);
}

int DiskReader::Read(int count) const {
  const std::unique_ptr<void, decltype(&std::free)> block(std::aligned_alloc(kBlockBytes, kBlockBytes), &std::free);
  int done = 0;
  for (int i = 0; i < count; ++i) {
    done += pread(fd_, block.get(), kBlockBytes, static_cast<off_t>(i % 64) * static_cast<off_t>(kBlockBytes)) ==
                    static_cast<ssize_t>(kBlockBytes)
                ? 1
                : 0;
  }
  return done;
}

}  // namespace hftmon::testing
