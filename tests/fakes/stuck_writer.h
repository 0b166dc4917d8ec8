// StuckWriter: a write(2) into a file whose source never comes, so that the kernel holds the file's own lock for as long as this lives: the
// source is a page whose fault nobody answers (userfaultfd).
#ifndef HFTMON_TESTS_FAKES_STUCK_WRITER_H_
#define HFTMON_TESTS_FAKES_STUCK_WRITER_H_

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

namespace hftmon {

class StuckWriter {
 public:
  // Returns when the lock is held, or why_not says why it is not. One byte is written at `offset` when this ends.
  explicit StuckWriter(const std::string& path, off_t offset = 2'048) : why_not_(Begin(path, offset)) {}
  ~StuckWriter() {
    if (fault_fd_ >= 0) close(fault_fd_);  // nobody watches the page any more: the fault is answered as any
    if (writer_.joinable()) writer_.join();
    if (file_fd_ >= 0) close(file_fd_);
    if (page_ != MAP_FAILED) munmap(page_, kBytes);
  }
  StuckWriter(const StuckWriter&) = delete;
  StuckWriter& operator=(const StuckWriter&) = delete;

  const std::string& why_not() const { return why_not_; }

 private:
  static constexpr size_t kBytes = 4'096;

  static std::string Why(const char* what) { return std::string(what) + ": " + strerror(errno); }
  std::string Begin(const std::string& path, off_t offset) {
    fault_fd_ = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
    if (fault_fd_ < 0) return Why("this process may not answer the kernel's page faults");
    uffdio_api api = {.api = UFFD_API, .features = 0, .ioctls = 0};
    page_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uffdio_register watched = {
        .range = {.start = reinterpret_cast<uint64_t>(page_), .len = kBytes}, .mode = UFFDIO_REGISTER_MODE_MISSING, .ioctls = 0};
    if (page_ == MAP_FAILED || ioctl(fault_fd_, UFFDIO_API, &api) != 0 || ioctl(fault_fd_, UFFDIO_REGISTER, &watched) != 0) {
      return Why("no page can be watched for its fault");
    }
    file_fd_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_fd_ < 0) return Why("the file cannot be opened");
    writer_ = std::thread([this, offset] { static_cast<void>(!pwrite(file_fd_, page_, 1, offset)); });
    pollfd fault = {.fd = fault_fd_, .events = POLLIN, .revents = 0};
    return poll(&fault, 1, 10'000) == 1 ? "" : Why("the write met no fault");
  }

  int fault_fd_ = -1;
  int file_fd_ = -1;
  void* page_ = MAP_FAILED;
  std::thread writer_;
  const std::string why_not_;  // last: what Begin sets is there
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_STUCK_WRITER_H_
