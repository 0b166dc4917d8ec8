#include "daemon/markers/open_marker_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>

namespace hftmon {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kCounterHere = HFT_MARKER_COUNTER_X86_TSC;
#else
constexpr uint32_t kCounterHere = HFT_MARKER_COUNTER_ARM64_CNTVCT;
#endif

class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) close(fd_);
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  int get() const { return fd_; }
  int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

absl::Status Invalid(const std::string& path, std::string_view cause) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, cause));
}

// The name itself by O_PATH, or -1 and errno. From the kernel's cache of names alone, where every name of a tmpfs stands for as long as it
// is there: a name that is not in it would be looked for under the directory's lock, which any user can hold for as long as he likes.
int OpenName(const std::string& directory, const MarkerRingName& name) {
  constexpr int kAttempts = 3;  // a rename anywhere may spoil one
  const ScopedFd at(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return -1;
  const std::string file_name = name.FileName();
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  int fd = -1;
  for (int attempt = 0; attempt < kAttempts && fd < 0; ++attempt) {
    fd = static_cast<int>(syscall(SYS_openat2, at.get(), file_name.c_str(), &how, sizeof(how)));
    if (fd < 0 && errno != EAGAIN) return -1;
  }
  if (fd < 0) errno = ENOENT;
  return fd;
}

// What the kernel says of the file itself.
absl::Status CheckFile(const std::string& path, int fd, const MarkerProcess& process, uint64_t* bytes, MarkerFileIdentity* identity) {
  struct stat status {};
  struct statfs system {};
  if (fstat(fd, &status) != 0 || fstatfs(fd, &system) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(status.st_mode)) return Invalid(path, "is no regular file, so no marker file");
  if (static_cast<uint64_t>(system.f_type) != TMPFS_MAGIC) return Invalid(path, "is not on a tmpfs: markers are in shared memory only");
  if ((status.st_mode & 07777) != (S_IRUSR | S_IWUSR)) {
    return Invalid(path, fmt::format("has mode {:04o}: a marker file has 0600, so that its owner alone writes it", status.st_mode & 07777));
  }
  if (status.st_uid != process.uid) {
    return Invalid(path, fmt::format("belongs to user {}, but the process in its name runs as user {}: a program makes its marker file "
                                     "after it has become the user that it runs as",
                                     status.st_uid, process.uid));
  }
  if (status.st_nlink != 1) return Invalid(path, fmt::format("has {} names: a marker file has one", status.st_nlink));
  if (status.st_size < HFT_MARKER_PAGE_BYTES || static_cast<uint64_t>(status.st_size) > HFT_MARKER_FILE_BYTES_MAX) {
    return Invalid(path, fmt::format("has {} bytes: no marker file has", status.st_size));
  }
  *bytes = static_cast<uint64_t>(status.st_size);
  *identity = {.device = status.st_dev, .inode = status.st_ino};
  return absl::OkStatus();
}

// What the copy of the header says; a file without ranges is given none.
absl::Status CheckHeader(const std::string& path, const MarkerRingName& name, const MarkerProcess& process, uint64_t bytes,
                         hft_marker_header* checked) {
  hft_marker_header& header = *checked;
  if (header.magic != HFT_MARKER_MAGIC) return Invalid(path, "does not begin as a marker file does");
  const bool is_known = header.version == HFT_MARKER_VERSION || header.version == HFT_MARKER_VERSION_WITHOUT_RANGES;
  if (!is_known || header.header_bytes != sizeof(hft_marker_header)) {
    return absl::UnimplementedError(
        fmt::format("{}: is a marker file of version {}, this daemon reads versions {} and {}: use the client library "
                    "that came with the daemon",
                    path, header.version, HFT_MARKER_VERSION_WITHOUT_RANGES, HFT_MARKER_VERSION));
  }
  if (header.version == HFT_MARKER_VERSION_WITHOUT_RANGES) header.range_max = 0;
  if (hft_marker_bounds_hold(header.operation_max, header.thread_max, header.record_max, header.range_max) == 0) {
    return Invalid(path, fmt::format("states {} rings of {} records, {} operations and {} ranges, which is beyond the limits",
                                     header.thread_max, header.record_max, header.operation_max, header.range_max));
  }
  const uint64_t expected = hft_marker_file_bytes(header.operation_max, header.thread_max, header.record_max, header.range_max);
  if (header.file_bytes != expected || bytes != expected) {
    return Invalid(path, fmt::format("has {} bytes, but its header makes it {}", bytes, expected));
  }
  if (header.counter != kCounterHere) return Invalid(path, "is stamped by a counter that this machine does not have");
  if (header.pid != name.pid || header.number != name.number) {
    return Invalid(path, fmt::format("says that it is hftmon.{}.{}", header.pid, header.number));
  }
  if (header.start_ticks != process.start_ticks) {
    return Invalid(path, "was made by an earlier process of this pid, or in another time namespace");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenMarkerFile> OpenMarkerFileOf(const std::string& directory, const MarkerRingName& name, const MarkerProcess& process) {
  const std::string path = fmt::format("{}/{}", directory, name.FileName());
  const ScopedFd seen(OpenName(directory, name));
  if (seen.get() < 0) return absl::ErrnoToStatus(errno, path);
  OpenMarkerFile opened;
  uint64_t bytes = 0;
  absl::Status status = CheckFile(path, seen.get(), process, &bytes, &opened.identity);
  if (!status.ok()) return status;
  // The very file that was looked at, not whatever has the name by now.
  const std::string itself = fmt::format("/proc/self/fd/{}", seen.get());
  ScopedFd file(open(itself.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) {
    return absl::ErrnoToStatus(errno, fmt::format("{}: cannot be opened (another user's file takes CAP_DAC_READ_SEARCH)", path));
  }
  if (pread(file.get(), &opened.header, sizeof(opened.header), 0) != static_cast<ssize_t>(sizeof(opened.header))) {
    return Invalid(path, "is shorter than a header");
  }
  status = CheckHeader(path, name, process, bytes, &opened.header);
  if (!status.ok()) return status;
  if (!MarkerFileHasOwner(file.get())) {
    return absl::FailedPreconditionError(
        fmt::format("{}: its process lives and does not hold it any more: it closed it without removing it; remove the file, or let the "
                    "program make a new one",
                    path));
  }
  opened.fd = file.Release();
  return opened;
}

bool MarkerFileIsNamed(int fd, const MarkerRingName& name) {
  // What the kernel's cache of names has for the open file, without a look into the directory; of one that was removed it ends otherwise.
  char path[PATH_MAX];
  const ssize_t length = readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path, sizeof(path));
  return length > 0 && std::string_view(path, static_cast<size_t>(length)).ends_with(fmt::format("/{}", name.FileName()));
}

bool MarkerFileHasOwner(int fd) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = HFT_MARKER_OWNER_LOCK_BYTE;
  range.l_len = 1;
  return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

}  // namespace hftmon
