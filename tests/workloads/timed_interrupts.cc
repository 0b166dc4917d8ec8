// A thread that is interrupted as often as it is told, always on one CPU, and times each:
//   softirq  it sends itself a datagram over loopback: the kernel receives it in a softirq before the call returns. The receive buffer is
//            full, so that all are alike: dropped at the same place. Its time is the whole call's;
//   timer    it arms a timer for 20 us later and reads the clock all the time: the gap in which the interrupt came;
//   ipi      another thread, on another CPU, has the kernel order this one's memory accesses (membarrier): one function-call IPI, a gap.
// Interactive, each line "KIND N" on stdin makes N events and is answered with a result; an empty line ends. In between all threads are
// blocked. An event that did not come within 10 ms, or that may have come where it is not looked for, is counted as missed and not timed.
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <functional>
#include <semaphore>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/duration_summary.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int64_t kEventsMax = 1'000'000;
constexpr int64_t kTimerDelayNs = 20'000;  // from arming it to its expiry
constexpr int64_t kIpiDelayNs = 3'000;     // from the thread's word to the IPI: it reads the clock again by then
constexpr int64_t kGapNs = 400;            // two readings of the clock are a tenth of it apart
constexpr int64_t kPatienceNs = 10'000'000;
constexpr int64_t kMissedMax = 50;  // then the rest is given up

struct Stage {
  int cpu = 0;
  int socket = -1;
  int timer = -1;
  std::string kind;  // of the present turn, as all below: written while the thread is blocked
  int64_t asked = 0;
  int64_t missed = 0;
  std::vector<uint32_t> durations_ns;
  std::atomic<int64_t> wanted_ipis{0};  // by the thread, so far
  std::atomic<int64_t> sent_ipis{0};    // or about to be
  std::atomic<bool> turn_ended{false};
  std::atomic<bool> closed{false};
  std::atomic<pid_t> tid{0};
  std::binary_semaphore begin{0};
  std::binary_semaphore finished{0};
  std::string refused;
};

void Refuse(Stage& stage, const char* call) {
  if (stage.refused.empty()) stage.refused = std::string(call) + ": " + std::strerror(errno);
}

// A socket that is connected to itself.
void OpenSocket(Stage& stage) {
  stage.socket = socket(AF_INET, SOCK_DGRAM, 0);
  const int smallest = 1;  // the kernel makes it as small as it allows
  setsockopt(stage.socket, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  if (bind(stage.socket, general, length) != 0 || getsockname(stage.socket, general, &length) != 0 ||
      connect(stage.socket, general, length) != 0 || send(stage.socket, "x", 1, 0) != 1) {
    Refuse(stage, "a datagram over loopback");
  }
}

void OpenAll(Stage& stage) {
  OpenSocket(stage);
  stage.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  if (stage.timer < 0) Refuse(stage, "timerfd_create");
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) Refuse(stage, "membarrier");
}

void Keep(Stage& stage, int64_t duration_ns) {
  stage.durations_ns.push_back(static_cast<uint32_t>(std::min<int64_t>(duration_ns, UINT32_MAX)));
}

void TakeSoftirqs(Stage& stage) {
  int64_t last_ns = NowNs();
  for (int64_t i = 0; i < stage.asked; ++i) {
    const bool sent = send(stage.socket, "x", 1, 0) == 1;
    const int64_t now_ns = NowNs();
    if (sent) {
      Keep(stage, now_ns - last_ns);
    } else {
      ++stage.missed;
    }
    last_ns = now_ns;
  }
}

// Reads the clock until a gap ends of which `has_come()` says that it may be the interrupt's (the host makes gaps too), and keeps it.
template <typename HasCome>
void TakeGap(Stage& stage, HasCome has_come) {
  int64_t last_ns = NowNs();
  const int64_t end_ns = last_ns + kPatienceNs;
  while (last_ns < end_ns) {
    const int64_t now_ns = NowNs();
    if (now_ns - last_ns > kGapNs && has_come()) {
      Keep(stage, now_ns - last_ns);
      return;
    }
    last_ns = now_ns;
  }
  ++stage.missed;
}

void TakeTimers(Stage& stage) {
  for (int64_t i = 0; i < stage.asked && stage.missed < kMissedMax; ++i) {
    const int64_t expiry_ns = NowNs() + kTimerDelayNs;
    itimerspec expiry{};
    expiry.it_value = {expiry_ns / 1'000'000'000, expiry_ns % 1'000'000'000};
    timerfd_settime(stage.timer, TFD_TIMER_ABSTIME, &expiry, nullptr);
    if (NowNs() > expiry_ns - kTimerDelayNs / 4) {  // arming took so long that it may have been interrupted itself
      ++stage.missed;
      continue;
    }
    TakeGap(stage, [&stage] {
      uint64_t expiries = 0;
      return read(stage.timer, &expiries, sizeof(expiries)) == sizeof(expiries);
    });
  }
}

void TakeIpis(Stage& stage) {
  for (int64_t i = 0; i < stage.asked && stage.missed < kMissedMax; ++i) {
    const int64_t mine = stage.wanted_ipis.fetch_add(1, std::memory_order_release) + 1;
    // Relaxed: only the number counts, and what it is about is the interrupt.
    TakeGap(stage, [&stage, mine] { return stage.sent_ipis.load(std::memory_order_relaxed) >= mine; });
  }
}

// The other side of TakeIpis, until the turn ends.
void SendIpis(Stage& stage) {
  int64_t sent = stage.sent_ipis.load(std::memory_order_relaxed);
  while (!stage.turn_ended.load(std::memory_order_acquire)) {
    if (stage.wanted_ipis.load(std::memory_order_acquire) == sent) continue;
    SpinUntil(NowNs() + kIpiDelayNs);
    stage.sent_ipis.store(++sent, std::memory_order_release);
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  }
  // What was given up is not sent in the next turn.
  stage.sent_ipis.store(stage.wanted_ipis.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void Run(Stage& stage) {
  Name("interrupted");
  PinTo(stage.cpu);
  BecomeImportant();
  BecomeFifo(1);  // where that is refused, other threads interfere more often
  stage.tid.store(Tid(), std::memory_order_seq_cst);
  stage.tid.notify_all();
  for (;;) {
    stage.begin.acquire();
    if (stage.closed.load(std::memory_order_acquire)) return;
    if (stage.kind == "softirq") TakeSoftirqs(stage);
    if (stage.kind == "timer") TakeTimers(stage);
    if (stage.kind == "ipi") TakeIpis(stage);
    stage.turn_ended.store(true, std::memory_order_release);
    stage.finished.release();
  }
}

// `line` is "KIND N".
nlohmann::json Turn(Stage& stage, const std::string& line) {
  std::istringstream words(line);
  words >> stage.kind >> stage.asked;
  stage.asked = std::clamp<int64_t>(stage.asked, 1, kEventsMax);
  stage.missed = 0;
  stage.durations_ns.clear();
  stage.durations_ns.reserve(static_cast<size_t>(stage.asked));
  stage.turn_ended.store(false, std::memory_order_relaxed);  // the semaphore publishes it
  stage.begin.release();
  if (stage.kind == "ipi") SendIpis(stage);
  stage.finished.acquire();
  nlohmann::json result = {{"workload", "timed_interrupts"},      {"pid", getpid()},       {"cpu", stage.cpu}, {"kind", stage.kind},
                           {"events", stage.durations_ns.size()}, {"missed", stage.missed}};
  if (!stage.durations_ns.empty()) result["event"] = SummaryOf(stage.durations_ns);
  return result;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "kind", "events"}, {"interactive"});
  Stage stage;
  stage.cpu = ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20));
  const std::string first = arguments.Text("kind", "softirq") + " " + std::to_string(arguments.Number("events", 1'000, 1, kEventsMax));
  LimitLifetime(900);
  OpenAll(stage);
  if (OtherCpu(stage.cpu) < 0) stage.refused = "one CPU only: an IPI comes from another one";
  Session session(arguments.Flag("interactive"));
  std::thread thread(Run, std::ref(stage));
  if (OtherCpu(stage.cpu) >= 0) PinTo(OtherCpu(stage.cpu));
  BecomeImportant();
  stage.tid.wait(0);
  if (!session.interactive()) {
    std::printf("%s\n", Turn(stage, first).dump().c_str());
  } else {
    std::printf("%s\n", nlohmann::json{{"ready", true},
                                       {"pid", getpid()},
                                       {"tid", stage.tid.load(std::memory_order_seq_cst)},
                                       {"cpu", stage.cpu},
                                       {"refused", stage.refused}}
                            .dump()
                            .c_str());
    std::fflush(stdout);
    for (std::string line = session.Wait(); !line.empty(); line = session.Wait()) {
      std::printf("%s\n", Turn(stage, line).dump().c_str());
      std::fflush(stdout);
    }
  }
  stage.closed.store(true, std::memory_order_release);
  stage.begin.release();
  thread.join();
  return stage.refused.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
