// A thread that faults as it is told, and times each fault by its own clock. One of:
//   touch      --count pages of fresh memory, touched one by one: minor faults of its own code;
//   copy       the same, but the kernel touches them, reading /dev/zero into each: minor faults in a system call;
//   huge       --count huge pages: each fault clears 2 MiB;
//   file       --count pages of a file that is not in memory: major faults;
//   awaited    --count pages that another thread fills in --delay-us after the fault (userfaultfd): it is blocked meanwhile;
//   shootdown  another thread maps, touches and unmaps a page --count times while this one spins: each is a TLB flush by IPI;
//   protect    the same, but it takes the right to write to a page away, and touches it again when it has given it back;
//   reuse      the same as shootdown, but it keeps its page and touches that: no flush.
// With --priority both threads are SCHED_FIFO: who is not on its CPU is sent no flush.
// With --lock all its memory, that of the file too, is locked before it begins (mlockall): what advice against major faults says.
// With "refused" set it could not be made here, and why.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/gap_recorder.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = 2u << 20;

struct Stage {
  int cpu = 0;
  std::string kind;
  size_t count = 0;
  int64_t delay_ns = 0;
  char* memory = nullptr;
  size_t stride = kPage;
  int zero = -1;
  int userfault = -1;
  std::string refused;
  std::string not_fifo;  // of the first thread; and of the other one
  std::string helper_not_fifo;
  std::atomic<pid_t> tid{0};
  std::atomic<pid_t> other_tid{0};
  bool lock = false;
  int priority = 0;  // 0: as important as an ordinary thread can be
  std::atomic<bool> begin{false};
  std::atomic<bool> spinning{false};
  std::atomic<bool> stop{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> leave{false};
  std::vector<Gap> faults;
  int64_t minor_count = 0;  // of the thread, as the kernel has them
  int64_t major_count = 0;
};

void Refuse(Stage& stage, const std::string& call) {
  if (stage.refused.empty()) stage.refused = call + ": " + std::strerror(errno);
}

char* Map(Stage& stage, size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Refuse(stage, "mmap");
    return nullptr;
  }
  return static_cast<char*>(memory);
}

void MakeHuge(Stage& stage) {
  stage.stride = kHugePage;
  char* memory = Map(stage, (stage.count + 1) * kHugePage);
  if (memory == nullptr) return;
  stage.memory = memory + (kHugePage - reinterpret_cast<uintptr_t>(memory) % kHugePage);
  if (madvise(stage.memory, stage.count * kHugePage, MADV_HUGEPAGE) != 0) Refuse(stage, "madvise(MADV_HUGEPAGE)");
}

// Of a file whose pages are written and then let go.
void MakeFile(Stage& stage) {
  std::string name = "/var/tmp/page_faulter.XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return Refuse(stage, name);
  unlink(name.c_str());
  const std::vector<char> page(kPage, 'x');
  for (size_t i = 0; i < stage.count; ++i) {
    if (write(fd, page.data(), page.size()) != static_cast<ssize_t>(page.size())) return Refuse(stage, "write");
  }
  if (fdatasync(fd) != 0) return Refuse(stage, "fdatasync");
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  void* memory = mmap(nullptr, stage.count * kPage, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED) return Refuse(stage, "mmap");
  stage.memory = static_cast<char*>(memory);
  madvise(stage.memory, stage.count * kPage, MADV_RANDOM);  // no page is read before it is touched
  if (stage.lock) return;
  std::vector<unsigned char> resident(stage.count);
  if (mincore(stage.memory, stage.count * kPage, resident.data()) != 0) return Refuse(stage, "mincore");
  for (const unsigned char one : resident) {
    if ((one & 1) != 0) stage.refused = "the file's pages stay in memory: /var/tmp has no disk below it";
  }
}

void MakeAwaited(Stage& stage) {
  stage.memory = Map(stage, stage.count * kPage);
  stage.userfault = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  if (stage.userfault < 0) return Refuse(stage, "userfaultfd");
  uffdio_api api = {};
  api.api = UFFD_API;
  if (ioctl(stage.userfault, UFFDIO_API, &api) != 0) return Refuse(stage, "UFFDIO_API");
  uffdio_register range = {};
  range.range = {.start = reinterpret_cast<uintptr_t>(stage.memory), .len = stage.count * kPage};
  range.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (ioctl(stage.userfault, UFFDIO_REGISTER, &range) != 0) Refuse(stage, "UFFDIO_REGISTER");
}

// It spins while another thread acts.
bool HasOtherSide(const std::string& kind) {
  return kind == "shootdown" || kind == "protect" || kind == "reuse";
}

void Make(Stage& stage) {
  if (stage.kind == "huge") return MakeHuge(stage);
  if (stage.kind == "file") return MakeFile(stage);
  if (stage.kind == "awaited") return MakeAwaited(stage);
  if (HasOtherSide(stage.kind)) {
    if (OtherCpu(stage.cpu) < 0) stage.refused = "one CPU only: a shootdown comes from another one";
    return;
  }
  stage.memory = Map(stage, stage.count * kPage);
  if (stage.memory != nullptr) madvise(stage.memory, stage.count * kPage, MADV_NOHUGEPAGE);
  if (stage.kind != "copy") return;
  stage.zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (stage.zero < 0) Refuse(stage, "/dev/zero");
}

void TouchAll(Stage& stage) {
  for (size_t i = 0; i < stage.count; ++i) {
    volatile char* const place = stage.memory + i * stage.stride;
    const int64_t start_ns = NowNs();
    if (stage.kind == "file") {
      (void)*place;
    } else if (stage.kind == "copy") {
      if (read(stage.zero, const_cast<char*>(place), 1) != 1) std::abort();
    } else {
      *place = 1;
    }
    stage.faults.push_back({start_ns, NowNs()});
  }
}

void Spin(Stage& stage) {
  stage.spinning.store(true, std::memory_order_release);
  while (!stage.stop.load(std::memory_order_relaxed)) NowNs();
}

// The other side of `awaited`: fills the page of each fault, some time later.
void Fill(Stage& stage) {
  const std::vector<char> page(kPage, 'y');
  for (size_t i = 0; i < stage.count; ++i) {
    uffd_msg message = {};
    if (read(stage.userfault, &message, sizeof(message)) != sizeof(message)) return;
    SleepUntil(NowNs() + stage.delay_ns);
    uffdio_copy copy = {};
    copy.dst = message.arg.pagefault.address & ~(kPage - 1);
    copy.src = reinterpret_cast<uintptr_t>(page.data());
    copy.len = kPage;
    if (ioctl(stage.userfault, UFFDIO_COPY, &copy) != 0) std::abort();
  }
}

// The other side of `protect`.
void Protect(Stage& stage) {
  while (!stage.spinning.load(std::memory_order_acquire)) {
  }
  char* const memory = Map(stage, kPage);
  for (size_t i = 0; i < stage.count && memory != nullptr; ++i) {
    *static_cast<volatile char*>(memory) = 1;
    mprotect(memory, kPage, PROT_READ);
    mprotect(memory, kPage, PROT_READ | PROT_WRITE);
    SpinUntil(NowNs() + 20'000);
  }
  stage.stop.store(true, std::memory_order_relaxed);
}

// The other side of `shootdown`.
void Unmap(Stage& stage) {
  while (!stage.spinning.load(std::memory_order_acquire)) {
  }
  for (size_t i = 0; i < stage.count; ++i) {
    char* const memory = Map(stage, kPage);
    if (memory == nullptr) break;
    *static_cast<volatile char*>(memory) = 1;
    munmap(memory, kPage);
    SpinUntil(NowNs() + 20'000);
  }
  stage.stop.store(true, std::memory_order_relaxed);
}

// The other side of `reuse`.
void Reuse(Stage& stage) {
  while (!stage.spinning.load(std::memory_order_acquire)) {
  }
  char* const memory = Map(stage, kPage);
  for (size_t i = 0; i < stage.count && memory != nullptr; ++i) {
    *static_cast<volatile char*>(memory) = 1;
    SpinUntil(NowNs() + 20'000);
  }
  stage.stop.store(true, std::memory_order_relaxed);
}

// Before its tid is told: a refusal is in what the session announces.
void Schedule(const Stage& stage, std::string* refused) {
  if (stage.priority == 0) return BecomeImportant();
  *refused = BecomeFifo(stage.priority);
}

void Run(Stage& stage) {
  Name("page_faulter");
  PinTo(stage.cpu);
  Schedule(stage, &stage.not_fifo);
  stage.faults.reserve(stage.count + 1);
  stage.tid.store(Tid(), std::memory_order_seq_cst);
  stage.tid.notify_all();
  stage.begin.wait(false);
  rusage before = {};
  rusage after = {};
  getrusage(RUSAGE_THREAD, &before);
  if (HasOtherSide(stage.kind)) {
    Spin(stage);
  } else {
    TouchAll(stage);
  }
  getrusage(RUSAGE_THREAD, &after);
  stage.minor_count = after.ru_minflt - before.ru_minflt;
  stage.major_count = after.ru_majflt - before.ru_majflt;
  stage.finished.store(true, std::memory_order_seq_cst);
  stage.finished.notify_all();
  stage.leave.wait(false);
}

void Help(Stage& stage) {
  Name("fault_helper");
  if (OtherCpu(stage.cpu) >= 0) PinTo(OtherCpu(stage.cpu));
  if (stage.priority != 0) Schedule(stage, &stage.helper_not_fifo);
  stage.other_tid.store(Tid(), std::memory_order_seq_cst);
  stage.other_tid.notify_all();
  stage.begin.wait(false);
  if (stage.kind == "awaited") Fill(stage);
  if (stage.kind == "shootdown") Unmap(stage);
  if (stage.kind == "protect") Protect(stage);
  if (stage.kind == "reuse") Reuse(stage);
  stage.leave.wait(false);
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "kind", "count", "delay-us", "priority"}, {"interactive", "lock"});
  Stage stage;
  stage.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  stage.kind = arguments.Text("kind", "touch");
  stage.count = static_cast<size_t>(arguments.Number("count", 1'000, 1, 100'000));
  stage.delay_ns = arguments.Number("delay-us", 2'000, 10, 10'000'000) * 1'000;
  stage.lock = arguments.Flag("lock");
  stage.priority = static_cast<int>(arguments.Number("priority", 0, 0, 99));
  LimitLifetime(120);
  Make(stage);
  if (stage.lock && mlockall(MCL_CURRENT | MCL_FUTURE) != 0) Refuse(stage, "mlockall");
  Session session(arguments.Flag("interactive"));
  std::thread thread(Run, std::ref(stage));
  std::thread helper(Help, std::ref(stage));
  stage.tid.wait(0);
  stage.other_tid.wait(0);
  if (stage.refused.empty()) stage.refused = stage.not_fifo.empty() ? stage.helper_not_fifo : stage.not_fifo;
  session.Ready({{"tid", stage.tid.load(std::memory_order_seq_cst)},
                 {"other_tid", stage.other_tid.load(std::memory_order_seq_cst)},
                 {"start", reinterpret_cast<uintptr_t>(stage.memory)},
                 {"refused", stage.refused}});
  if (stage.refused.empty()) {
    stage.begin.store(true, std::memory_order_seq_cst);
    stage.begin.notify_all();
    stage.finished.wait(false);
  }
  nlohmann::json faults = nlohmann::json::array();
  for (const Gap& fault : stage.faults) faults.push_back({fault.start_ns, fault.end_ns});
  session.Result({{"workload", "page_faulter"},
                  {"tid", stage.tid.load(std::memory_order_seq_cst)},
                  {"faults", faults},
                  {"minor_count", stage.minor_count},
                  {"major_count", stage.major_count}});
  if (!stage.refused.empty()) std::_Exit(1);  // the threads wait for a beginning that does not come
  stage.leave.store(true, std::memory_order_seq_cst);
  stage.leave.notify_all();
  thread.join();
  helper.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
