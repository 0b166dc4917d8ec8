// NumaTarget: a process with memory of which it is known what was touched, for as long as the object lives. It maps and unmaps memory when
// told to, and says how long that took: what a look at it costs.
#ifndef HFTMON_TESTS_PRIVILEGED_NUMA_TARGET_H_
#define HFTMON_TESTS_PRIVILEGED_NUMA_TARGET_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace hftmon::testing {

class NumaTarget {
 public:
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kPoolPages = 32'768;  // the first half touched, the second never
  static constexpr uint64_t kBookPages = 64;      // every fourth touched; bound to node 0 where that may be
  static constexpr uint64_t kUseMax = 400'000;    // mappings that it measures at most

  // What its own mmap and munmap of 64 KiB took together.
  struct Stalls {
    uint64_t count = 0;
    int64_t p50_ns = 0;
    int64_t p99_ns = 0;
    int64_t p99_9_ns = 0;
    int64_t max_ns = 0;
  };

  // Forks, so no thread may run here; returns when the memory is as it is to be.
  NumaTarget();
  ~NumaTarget();
  NumaTarget(const NumaTarget&) = delete;
  NumaTarget& operator=(const NumaTarget&) = delete;

  // It maps and unmaps until EndUse, or kUseMax times.
  void BeginUse();
  Stalls EndUse();
  // Returns once it is another program, which ends with the target.
  void Exec();
  // Returns once it has ended and before it is reaped; then once it is.
  void Kill();
  void Reap();

  pid_t pid() const { return pid_; }
  uint64_t pool() const { return memory_.pool; }
  uint64_t book() const { return memory_.book; }
  bool book_is_bound() const { return memory_.bound != 0; }

 private:
  struct Memory {
    uint64_t pool = 0;
    uint64_t book = 0;
    uint64_t bound = 0;
  };
  [[noreturn]] static void Run(int from_test, int to_test);
  static Stalls Use(int from_test);

  pid_t pid_ = -1;
  bool reaped_ = false;
  int to_target_ = -1;
  int from_target_ = -1;
  Memory memory_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_NUMA_TARGET_H_
