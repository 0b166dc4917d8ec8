// A thread that touches fresh memory page by page and times each touch: a minor fault each. Interactive, each line "N" on stdin touches N
// pages and is answered with a result; an empty line ends.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/duration_summary.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kFaultsMax = 1'000'000;
constexpr size_t kPage = 4096;

nlohmann::json Turn(int64_t faults) {
  const size_t bytes = static_cast<size_t>(faults) * kPage;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "timed_faults: mmap of %zu bytes: %s\n", bytes, std::strerror(errno));
    std::exit(3);
  }
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  std::vector<uint32_t> durations_ns(static_cast<size_t>(faults));
  auto* const first = static_cast<volatile char*>(memory);
  int64_t last_ns = NowNs();
  for (size_t i = 0; i < durations_ns.size(); ++i) {
    first[i * kPage] = 1;
    const int64_t now_ns = NowNs();
    durations_ns[i] = static_cast<uint32_t>(std::min<int64_t>(now_ns - last_ns, UINT32_MAX));
    last_ns = now_ns;
  }
  munmap(memory, bytes);
  return {{"workload", "timed_faults"}, {"pid", getpid()}, {"events", faults}, {"event", SummaryOf(durations_ns)}};
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "faults"}, {"interactive"});
  PinTo(ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20)));
  BecomeImportant();
  LimitLifetime(900);
  const int64_t faults = arguments.Number("faults", 10'000, 1, kFaultsMax);
  Session session(arguments.Flag("interactive"));
  if (!session.interactive()) {
    std::printf("%s\n", Turn(faults).dump().c_str());
    return 0;
  }
  std::printf("%s\n", nlohmann::json{{"ready", true}, {"pid", getpid()}}.dump().c_str());
  std::fflush(stdout);
  for (std::string line = session.Wait(); !line.empty(); line = session.Wait()) {
    std::printf("%s\n", Turn(std::clamp<int64_t>(std::atoll(line.c_str()), 1, kFaultsMax)).dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
