#include "client/cli/import/recording_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/perf/perf_data_format.h"

namespace hftmon {
namespace {

constexpr size_t kPartBytes = size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > STDERR_FILENO) close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class FileBytes : public ByteSource {
 public:
  FileBytes(Descriptor file, std::string name, uint64_t size) : file_(std::move(file)), name_(std::move(name)), size_(size) {}
  uint64_t size() const override { return size_; }
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override {
    size_t done = 0;
    while (done < into.size()) {
      const ssize_t count = pread(file_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return absl::UnavailableError(fmt::format("{}: byte {}: {}", name_, offset + done, std::strerror(errno)));
      if (count == 0) return absl::DataLossError(fmt::format("{} ends before byte {}", name_, offset + into.size()));
      done += static_cast<size_t>(count);
    }
    return absl::OkStatus();
  }

 private:
  const Descriptor file_;
  const std::string name_;
  const uint64_t size_;
};

class OwnedBytes : public ByteSource {
 public:
  explicit OwnedBytes(std::vector<std::byte> bytes) : bytes_(std::move(bytes)), source_(bytes_) {}
  uint64_t size() const override { return source_.size(); }
  absl::Status ReadAt(uint64_t offset, std::span<std::byte> into) override { return source_.ReadAt(offset, into); }

 private:
  const std::vector<std::byte> bytes_;
  MemoryByteSource source_;
};

absl::Status OpenError(const std::string& name, int error) {
  const std::string text = fmt::format("{}: {}: name a perf.data file, or - for standard input", name, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

absl::StatusOr<std::unique_ptr<ByteSource>> ReadWhole(const Descriptor& file, const std::string& name, uint64_t bytes_max) {
  std::vector<std::byte> bytes;
  while (true) {
    const size_t had = bytes.size();
    bytes.resize(had + kPartBytes);
    const ssize_t count = read(file.get(), bytes.data() + had, kPartBytes);
    const int error = count < 0 ? errno : 0;
    bytes.resize(had + static_cast<size_t>(count > 0 ? count : 0));
    if (error == EINTR) continue;
    if (error == EAGAIN) {
      pollfd ready{.fd = file.get(), .events = POLLIN, .revents = 0};
      poll(&ready, 1, -1);
      continue;
    }
    if (error != 0) return absl::UnavailableError(fmt::format("{}: {}", name, std::strerror(error)));
    // What is no recording need not be read to its end, which may never come: the reader says so of its beginning.
    const bool sound = bytes.size() < PerfDataFormat::kMagic.size() ||
                       std::memcmp(bytes.data(), PerfDataFormat::kMagic.data(), PerfDataFormat::kMagic.size()) == 0;
    if (count == 0 || !sound) return std::make_unique<OwnedBytes>(std::move(bytes));
    if (bytes.size() > bytes_max) {
      return absl::ResourceExhaustedError(fmt::format(
          "{}: more than {} bytes through a pipe, which are held in memory: save them to a file and name that", name, bytes_max));
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenRecording(const std::string& name, uint64_t piped_bytes_max) {
  Descriptor file(name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return OpenError(name, errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return OpenError(name, errno);
  if (S_ISDIR(about.st_mode)) {
    return absl::InvalidArgumentError(
        fmt::format("{} is a folder: name a file (of a recording with `perf record --threads` its parts are not read)", name));
  }
  const bool readable = S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || S_ISCHR(about.st_mode);
  if (!readable) {
    // A closed standard input's number is another descriptor's by now.
    return absl::InvalidArgumentError(
        fmt::format("{} is no file, pipe or device: name a perf.data file", name == "-" ? "standard input" : name));
  }
  // Of standard input that is a file, too, the offset that it was handed over with is not the file's begin.
  if (name != "-" && S_ISREG(about.st_mode)) {
    return std::make_unique<FileBytes>(std::move(file), name, static_cast<uint64_t>(about.st_size));
  }
  return ReadWhole(file, name == "-" ? "standard input" : name, piped_bytes_max);
}

}  // namespace hftmon
