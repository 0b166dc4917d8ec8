// hftmon-numa-probe CPU NODE BYTES: measures from that CPU how fast memory of that node is, and prints one line
// (daemon/numa/probe_report.h). Started by hftmond: what it does to the caches and the memory of its process, a crash or a kill for lack of
// memory is then not the daemon's. Exit code 1 and a sentence on standard output: it could not; 2: wrong arguments.
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/numa/huge_page_choice.h"
#include "daemon/numa/probe/cache_line_cycle.h"
#include "daemon/numa/probe/memory_speed.h"
#include "daemon/numa/probe/node_memory.h"
#include "daemon/numa/probe_report.h"
#include "daemon/os/file_root.h"

namespace {

constexpr int kUrgencyLeast = 19;
constexpr unsigned kSecondsMax = 10;
constexpr size_t kBytesMax = size_t{256} << 20;
constexpr uint64_t kSeed = 0x6866746d6f6e;
constexpr int kCannot = 1;
constexpr int kWrongArguments = 2;

std::optional<size_t> ParseNumber(std::string_view text, size_t max) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) return std::nullopt;
  return number;
}

int Cannot(const std::string& why) {
  std::printf("%s\n", why.c_str());
  return kCannot;
}

// Least urgent, killed before anybody else, and gone with hftmond or when it takes too long.
void BeModest() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpriority(PRIO_PROCESS, 0, kUrgencyLeast);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (FILE* score = std::fopen("/proc/self/oom_score_adj", "w"); score != nullptr) {
    std::fputs("1000", score);
    std::fclose(score);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGALRM, SIG_DFL);
  alarm(kSecondsMax);
}

// Just before the memory is made.
hftmon::SmallPages WhySmallPages(int node, size_t bytes) {
  if (sysconf(_SC_PAGESIZE) != 4'096) return hftmon::SmallPages::kOtherSize;
  const hftmon::FileRoot files;
  const auto defrag = files.ReadFile("/sys/kernel/mm/transparent_hugepage/defrag");
  const auto blocks = files.ReadFile("/proc/buddyinfo");
  return hftmon::ChooseHugePages(defrag.ok() ? *defrag : "", blocks.ok() ? *blocks : "", node, bytes);
}

int Measure(int cpu, int node, size_t bytes) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof(only), &only) != 0)
    return Cannot("it may not run on CPU " + std::to_string(cpu) + ": " + std::strerror(errno));
  const hftmon::SmallPages small_pages = WhySmallPages(node, bytes);
  absl::StatusOr<hftmon::NodeMemory> memory = hftmon::NodeMemory::Map(bytes, node, small_pages == hftmon::SmallPages::kNone);
  if (!memory.ok()) return Cannot(std::string(memory.status().message()));
  const std::span<hftmon::CacheLine> lines = memory->lines();
  hftmon::MakeCycle(lines, kSeed);
  const auto located = memory->Locate();
  if (!located.ok()) return Cannot(std::string(located.status().message()));
  hftmon::ProbeReport report{.page_count = located->page_count, .page_on_node_count = located->on_node_count};
  report.huge_pages = memory->IsHuge();
  if (!report.huge_pages) report.small_pages = small_pages == hftmon::SmallPages::kNone ? hftmon::SmallPages::kNotGiven : small_pages;
  // The kernel's zeros, the order, and the shuffle's changes of it.
  report.bytes_moved = 3 * uint64_t{bytes};
  if (report.page_on_node_count == report.page_count) {
    const hftmon::MemorySpeed reading = hftmon::MeasureReading(lines, hftmon::ThreadNowNs);
    hftmon::FlushFromCaches(lines);
    const hftmon::MemorySpeed loads = hftmon::MeasureLoads(lines, hftmon::ThreadNowNs);
    report.load_ns = loads.value;
    report.read_mb_s = reading.value;
    report.bytes_moved += reading.bytes + loads.bytes;
  }
  // Where its CPU goes offline the kernel lets it run anywhere.
  if (sched_getcpu() != cpu) return Cannot("CPU " + std::to_string(cpu) + " went away meanwhile");
  std::fputs(FormatProbeReport(report).c_str(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  BeModest();
  if (argc == 4) {
    const auto cpu = ParseNumber(argv[1], CPU_SETSIZE - 1);
    const auto node = ParseNumber(argv[2], 1'023);
    const auto bytes = ParseNumber(argv[3], kBytesMax);
    if (cpu && node && bytes && *bytes > 0 && *bytes % hftmon::NodeMemory::kAlignment == 0) {
      return Measure(static_cast<int>(*cpu), static_cast<int>(*node), *bytes);
    }
  }
  std::fputs(
      "hftmon-numa-probe CPU NODE BYTES: BYTES is a multiple of 2 MiB, at most 256 MiB; it is started by hftmond: hftmon numa --measure\n",
      stderr);
  return kWrongArguments;
}
