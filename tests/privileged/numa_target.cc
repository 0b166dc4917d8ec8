#include "tests/privileged/numa_target.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <vector>

namespace hftmon::testing {
namespace {

constexpr char kUse = 'u';
constexpr char kEndUse = 'e';
constexpr char kExec = 'x';

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

char* Map(uint64_t pages) {
  const size_t bytes = pages * NumaTarget::kPageBytes;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) ::_exit(2);
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  return static_cast<char*>(memory);
}

}  // namespace

NumaTarget::NumaTarget() {
  int to_target[2];
  int from_target[2];
  EXPECT_EQ(::pipe2(to_target, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(from_target, O_CLOEXEC), 0);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(to_target[1]);
    ::close(from_target[0]);
    Run(to_target[0], from_target[1]);
  }
  ::close(to_target[0]);
  ::close(from_target[1]);
  to_target_ = to_target[1];
  from_target_ = from_target[0];
  EXPECT_EQ(::read(from_target_, &memory_, sizeof(memory_)), static_cast<ssize_t>(sizeof(memory_)));
}

NumaTarget::~NumaTarget() {
  if (!reaped_) {
    Kill();
    Reap();
  }
  ::close(to_target_);
  ::close(from_target_);
}

void NumaTarget::Run(int from_test, int to_test) {
  char* pool = Map(kPoolPages);
  for (uint64_t page = 0; page < kPoolPages / 2; ++page) pool[page * kPageBytes] = 1;
  // Read and executable too, so that no neighbour of other rights is joined to it.
  char* book = Map(kBookPages);
  ::mprotect(book, kBookPages * kPageBytes, PROT_READ | PROT_WRITE | PROT_EXEC);
  const unsigned long first_node = 1;
  const bool bound = ::syscall(SYS_mbind, book, kBookPages * kPageBytes, MPOL_BIND, &first_node, 8 * sizeof(first_node), 0) == 0;
  for (uint64_t page = 0; page < kBookPages; page += 4) book[page * kPageBytes] = 1;
  const Memory memory{.pool = reinterpret_cast<uintptr_t>(pool), .book = reinterpret_cast<uintptr_t>(book), .bound = bound ? 1u : 0u};
  if (::write(to_test, &memory, sizeof(memory)) != sizeof(memory)) ::_exit(3);
  for (char word = 0; ::read(from_test, &word, 1) == 1;) {
    if (word == kUse) {
      const Stalls stalls = Use(from_test);
      if (::write(to_test, &stalls, sizeof(stalls)) != sizeof(stalls)) ::_exit(3);
    } else if (word == kExec) {
      // It waits for its standard input, which the test holds until the target's end; the pipe to the test closes by itself.
      ::dup2(from_test, STDIN_FILENO);
      ::execl("/bin/cat", "cat", nullptr);
      ::_exit(4);
    }
  }
  ::_exit(0);
}

NumaTarget::Stalls NumaTarget::Use(int from_test) {
  constexpr size_t kBytes = 64 << 10;
  std::vector<int64_t> took_ns;
  took_ns.reserve(kUseMax);
  pollfd word{.fd = from_test, .events = POLLIN};
  while (took_ns.size() < kUseMax && ::poll(&word, 1, 0) == 0) {
    const int64_t begin_ns = NowNs();
    auto* memory = static_cast<volatile char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const int64_t mapped_ns = NowNs();
    memory[0] = 1;
    const int64_t touched_ns = NowNs();
    ::munmap(const_cast<char*>(memory), kBytes);
    took_ns.push_back(mapped_ns - begin_ns + NowNs() - touched_ns);
  }
  char end = 0;
  if (::read(from_test, &end, 1) != 1 || end != kEndUse || took_ns.empty()) return {};
  std::sort(took_ns.begin(), took_ns.end());
  return {.count = took_ns.size(),
          .p50_ns = took_ns[took_ns.size() / 2],
          .p99_ns = took_ns[took_ns.size() * 99 / 100],
          .p99_9_ns = took_ns[took_ns.size() * 999 / 1000],
          .max_ns = took_ns.back()};
}

void NumaTarget::BeginUse() {
  EXPECT_EQ(::write(to_target_, &kUse, 1), 1);
}

NumaTarget::Stalls NumaTarget::EndUse() {
  EXPECT_EQ(::write(to_target_, &kEndUse, 1), 1);
  Stalls stalls;
  EXPECT_EQ(::read(from_target_, &stalls, sizeof(stalls)), static_cast<ssize_t>(sizeof(stalls)));
  return stalls;
}

void NumaTarget::Exec() {
  EXPECT_EQ(::write(to_target_, &kExec, 1), 1);
  char none = 0;
  EXPECT_EQ(::read(from_target_, &none, 1), 0) << "the pipe closes when the new program begins";
}

void NumaTarget::Kill() {
  ::kill(pid_, SIGKILL);
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
}

void NumaTarget::Reap() {
  EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  reaped_ = true;
}

}  // namespace hftmon::testing
