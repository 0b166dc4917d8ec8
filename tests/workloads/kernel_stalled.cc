// A thread that the kernel holds up as it is told, and that times each time by its own clock. One of:
//   mutex    --count times it asks how much is in a pipe that another thread, on another CPU, writes --bytes to meanwhile, so that it spins
//            for the pipe's lock in the kernel until the other is done;
//   rwsem    --count writes to a file that another thread, on the same CPU, is kept from writing --bytes to by this very thread, so that it
//            sleeps for the file's lock until the other is done. (Where the other runs a rwsem is spun for, without a tracepoint.)
//   compact  --count times it asks the kernel to compact the memory of the host;
//   collapse --count times it asks the kernel to make a huge page of small ones (MADV_COLLAPSE, Linux 6.1);
//   reclaim  it reads a file of --bytes within the memory cgroup --cgroup (the folder), which is to be smaller: the kernel looks for
//   memory.
// With "refused" set it could not be made here, and why.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
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

constexpr size_t kSmallPage = 4096;
constexpr size_t kHugePage = 2u << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, which older headers lack

struct Stage {
  int cpu = 0;
  std::string kind;
  std::string cgroup;
  size_t count = 0;
  size_t bytes = 0;
  int file = -1;
  int pipe[2] = {-1, -1};
  std::vector<char> data;
  char* memory = nullptr;
  size_t collapse_count = 0;  // huge pages that it was given
  std::string refused;
  std::atomic<pid_t> tid{0};
  std::atomic<pid_t> other_tid{0};
  std::atomic<bool> begin{false};
  std::atomic<bool> finished{false};
  std::atomic<bool> leave{false};
  std::atomic<size_t> asked{0};      // long writes that the other thread is to make, and
  std::atomic<size_t> begun{0};      // those that it is in or behind
  std::atomic<int64_t> ended_ns{0};  // of its last one
  std::vector<Gap> stalls;
  std::vector<int64_t> ends_ns;  // lock: when the other thread was done
};

void Refuse(Stage& stage, const std::string& what) {
  if (stage.refused.empty()) stage.refused = what + ": " + std::strerror(errno);
}

void WriteText(Stage& stage, const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) Refuse(stage, path);
  if (fd >= 0) close(fd);
}

// Of --count huge pages' length, with a small page touched in each place.
void MakeSmallPages(Stage& stage) {
  void* memory = mmap(nullptr, (stage.count + 1) * kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Refuse(stage, "mmap");
  const auto start = reinterpret_cast<uintptr_t>(memory);
  stage.memory = static_cast<char*>(memory) + (kHugePage - start % kHugePage);
  // Not by advice: khugepaged would take that up.
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) return Refuse(stage, "PR_SET_THP_DISABLE");
  for (size_t at = 0; at < stage.count * kHugePage; at += kSmallPage) stage.memory[at] = 1;
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

void Make(Stage& stage) {
  if (stage.kind == "collapse") return MakeSmallPages(stage);
  if (stage.kind == "compact") {
    if (access("/proc/sys/vm/compact_memory", W_OK) != 0) Refuse(stage, "/proc/sys/vm/compact_memory");
    return;
  }
  stage.data.assign(stage.bytes, 'x');
  if (stage.kind == "mutex") {
    if (OtherCpu(stage.cpu) < 0) stage.refused = "one CPU only: who holds the lock runs on another one";
    if (pipe2(stage.pipe, O_CLOEXEC) != 0) return Refuse(stage, "pipe2");
    if (fcntl(stage.pipe[1], F_SETPIPE_SZ, stage.bytes) < 0) Refuse(stage, "F_SETPIPE_SZ");
    return;
  }
  if (stage.kind == "rwsem") {
    stage.file = memfd_create("kernel_stalled", MFD_CLOEXEC);
    if (stage.file < 0) return Refuse(stage, "memfd_create");
    if (pwrite(stage.file, stage.data.data(), stage.bytes, 0) != static_cast<ssize_t>(stage.bytes)) Refuse(stage, "pwrite");
    return;
  }
  std::string name = "/var/tmp/kernel_stalled.XXXXXX";
  stage.file = mkostemp(name.data(), O_CLOEXEC);
  if (stage.file < 0) return Refuse(stage, name);
  unlink(name.c_str());
  struct statfs file_system;
  if (fstatfs(stage.file, &file_system) != 0) return Refuse(stage, "fstatfs");
  if (file_system.f_type == TMPFS_MAGIC) {
    stage.refused = "/var/tmp is a tmpfs: what is in it stays in memory or goes to swap, it is not read anew. Give it a disk's";
    return;
  }
  if (write(stage.file, stage.data.data(), stage.bytes) != static_cast<ssize_t>(stage.bytes)) return Refuse(stage, "write");
  if (fdatasync(stage.file) != 0) return Refuse(stage, "fdatasync");
  posix_fadvise(stage.file, 0, 0, POSIX_FADV_DONTNEED);
  stage.data.assign(1u << 20, 'x');
  stage.data.shrink_to_fit();
  WriteText(stage, stage.cgroup + "/cgroup.procs", std::to_string(getpid()));
}

void WaitForLocks(Stage& stage) {
  for (size_t i = 0; i < stage.count; ++i) {
    stage.asked.store(i + 1, std::memory_order_seq_cst);
    stage.asked.notify_all();
    if (stage.kind == "mutex") {
      while (stage.begun.load(std::memory_order_acquire) <= i) {
      }
    }
    // By now it is in its write.
    if (stage.kind == "mutex") {
      SpinUntil(NowNs() + 30'000);
    } else {
      SleepUntil(NowNs() + 2'000'000);
    }
    const int64_t start_ns = NowNs();
    int pending = 0;
    if (stage.kind == "mutex" ? ioctl(stage.pipe[0], FIONREAD, &pending) != 0 : pwrite(stage.file, "y", 1, 0) != 1) std::abort();
    stage.stalls.push_back({start_ns, NowNs()});
    stage.ended_ns.wait(0, std::memory_order_acquire);
    stage.ends_ns.push_back(stage.ended_ns.exchange(0, std::memory_order_acq_rel));
  }
  stage.asked.store(stage.count + 1, std::memory_order_seq_cst);
}

// The other side.
void HoldLocks(Stage& stage) {
  const auto bytes = static_cast<ssize_t>(stage.bytes);
  const bool pipe = stage.kind == "mutex";
  for (size_t i = 0; i < stage.count; ++i) {
    for (size_t asked = i; asked <= i; asked = stage.asked.load(std::memory_order_acquire)) stage.asked.wait(i, std::memory_order_acquire);
    stage.begun.store(i + 1, std::memory_order_release);
    if ((pipe ? write(stage.pipe[1], stage.data.data(), stage.bytes) : pwrite(stage.file, stage.data.data(), stage.bytes, 0)) != bytes) {
      std::abort();
    }
    const int64_t end_ns = NowNs();
    for (ssize_t left = pipe ? bytes : 0; left > 0;) left -= std::max<ssize_t>(read(stage.pipe[0], stage.data.data(), left), 0);
    stage.ended_ns.store(end_ns, std::memory_order_release);
    stage.ended_ns.notify_all();
  }
}

void Stall(Stage& stage) {
  if (stage.kind == "mutex" || stage.kind == "rwsem") return WaitForLocks(stage);
  if (stage.kind == "compact") {
    for (size_t i = 0; i < stage.count; ++i) {
      const int64_t start_ns = NowNs();
      WriteText(stage, "/proc/sys/vm/compact_memory", "1");
      stage.stalls.push_back({start_ns, NowNs()});
    }
    return;
  }
  if (stage.kind == "collapse") {
    for (size_t i = 0; i < stage.count; ++i) {
      const int64_t start_ns = NowNs();
      if (madvise(stage.memory + i * kHugePage, kHugePage, kCollapse) == 0) ++stage.collapse_count;
      stage.stalls.push_back({start_ns, NowNs()});
    }
    return;
  }
  lseek(stage.file, 0, SEEK_SET);
  const int64_t start_ns = NowNs();
  while (read(stage.file, stage.data.data(), stage.data.size()) > 0) {
  }
  stage.stalls.push_back({start_ns, NowNs()});
}

void Run(Stage& stage) {
  Name("kernel_stalled");
  PinTo(stage.cpu);
  if (stage.kind != "rwsem" || !BecomeFifo(1).empty()) BecomeImportant();
  stage.stalls.reserve(stage.count + 1);
  stage.tid.store(Tid(), std::memory_order_seq_cst);
  stage.tid.notify_all();
  stage.begin.wait(false);
  Stall(stage);
  stage.finished.store(true, std::memory_order_seq_cst);
  stage.finished.notify_all();
  stage.leave.wait(false);
}

void Hold(Stage& stage) {
  Name("lock_holder");
  PinTo(stage.kind == "rwsem" || OtherCpu(stage.cpu) < 0 ? stage.cpu : OtherCpu(stage.cpu));
  stage.other_tid.store(Tid(), std::memory_order_seq_cst);
  stage.other_tid.notify_all();
  stage.begin.wait(false);
  if (stage.kind == "mutex" || stage.kind == "rwsem") HoldLocks(stage);
  stage.leave.wait(false);
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "kind", "count", "bytes", "cgroup"}, {"interactive"});
  Stage stage;
  stage.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  stage.kind = arguments.Text("kind", "mutex");
  stage.cgroup = arguments.Text("cgroup", "");
  stage.count = static_cast<size_t>(arguments.Number("count", 10, 1, 10'000));
  stage.bytes = static_cast<size_t>(arguments.Number("bytes", 32 << 20, 1 << 20, 1 << 30));
  LimitLifetime(120);
  Make(stage);
  Session session(arguments.Flag("interactive"));
  std::thread thread(Run, std::ref(stage));
  std::thread other(Hold, std::ref(stage));
  stage.tid.wait(0);
  stage.other_tid.wait(0);
  session.Ready({{"tid", stage.tid.load(std::memory_order_seq_cst)},
                 {"other_tid", stage.other_tid.load(std::memory_order_seq_cst)},
                 {"refused", stage.refused}});
  if (stage.refused.empty()) {
    stage.begin.store(true, std::memory_order_seq_cst);
    stage.begin.notify_all();
    stage.finished.wait(false);
  }
  nlohmann::json stalls = nlohmann::json::array();
  for (size_t i = 0; i < stage.stalls.size(); ++i) {
    stalls.push_back({stage.stalls[i].start_ns, stage.stalls[i].end_ns, i < stage.ends_ns.size() ? stage.ends_ns[i] : 0});
  }
  session.Result({{"workload", "kernel_stalled"},
                  {"tid", stage.tid.load(std::memory_order_seq_cst)},
                  {"stalls", stalls},
                  {"collapse_count", stage.collapse_count}});
  if (!stage.refused.empty()) std::_Exit(1);  // the threads wait for a beginning that does not come
  stage.leave.store(true, std::memory_order_seq_cst);
  stage.leave.notify_all();
  thread.join();
  other.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
