// MappedMemory: anonymous pages of this process, unmapped at the end. One owner.
#ifndef HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_MAPPED_MEMORY_H_
#define HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_MAPPED_MEMORY_H_

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"

namespace hftmon::order_book {

class MappedMemory {
 public:
  MappedMemory() = default;
  ~MappedMemory() {
    if (data_ != nullptr) munmap(data_, bytes_);
  }
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  // Maps small pages, none of them touched. Once only.
  absl::Status Map(size_t bytes) {
    void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
      return absl::ResourceExhaustedError(
          fmt::format("{} MiB cannot be mapped: {}: raise RLIMIT_AS or free memory", bytes >> 20, std::strerror(errno)));
    }
    data_ = static_cast<std::byte*>(mapped);
    bytes_ = bytes;
    madvise(data_, bytes, MADV_NOHUGEPAGE);  // a kernel without huge pages refuses, and needs no advice
    return absl::OkStatus();
  }

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  static size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace hftmon::order_book

#endif  // HFTMON_CLIENT_EXAMPLES_ORDER_BOOK_INJECTIONS_MAPPED_MEMORY_H_
