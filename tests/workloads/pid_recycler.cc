// Two unrelated processes that bear the same pid, one after the other. The first waits, ends and is reaped when told; the second is made at
// once with clone3(set_tid), sleeps --count times and waits. Needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN; says so and ends with 1 where
// it is refused.
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"
#include "tests/workloads/thread_counts.h"

namespace hftmon::workload {
namespace {

// A child, with the given pid when it is above 0. Returns -1 with errno set when refused.
pid_t CloneWithPid(pid_t wanted) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  if (wanted > 0) {
    arguments.set_tid = reinterpret_cast<uintptr_t>(&wanted);
    arguments.set_tid_size = 1;
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

[[noreturn]] void BeFirst() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  LimitLifetime(120);
  for (;;) pause();
}

[[noreturn]] void BeSecond(int64_t sleeps, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  LimitLifetime(120);
  for (int64_t i = 0; i < sleeps; ++i) SleepUntil(NowNs() + 200'000);
  if (write(report, "s", 1) != 1) _exit(4);
  for (;;) pause();
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"count"}, {"interactive"});
  const int64_t sleeps = arguments.Number("count", 50, 1, 100'000);
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));

  const pid_t first = CloneWithPid(0);
  if (first == 0) BeFirst();
  session.Ready({{"first_pid", first}, {"first_start_ticks", ReadStartTicks(first)}});

  // /proc counts starts in ticks of 10 ms: a successor within the same tick could not be told from its predecessor by anyone.
  SleepUntil(NowNs() + 30'000'000);
  kill(first, SIGKILL);
  waitpid(first, nullptr, 0);
  int report[2];
  if (pipe(report) != 0) return 4;
  const pid_t second = CloneWithPid(first);
  if (second == 0) BeSecond(sleeps, report[1]);
  std::string refused;
  if (second < 0) {
    refused = std::string("clone3 with set_tid is refused: ") + std::strerror(errno) + ". It needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN";
  } else {
    char letter;
    while (read(report[0], &letter, 1) == -1 && errno == EINTR) {
    }
  }
  session.Result({{"workload", "pid_recycler"},
                  {"refused", refused},
                  {"second_pid", second},
                  {"second_start_ticks", second > 0 ? ReadStartTicks(second) : 0},
                  {"sleeps", sleeps}});
  if (second > 0) {
    kill(second, SIGKILL);
    waitpid(second, nullptr, 0);
  }
  return refused.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
