// A process that makes threads and children in every way a followed target can: threads that end and one that stays, a child with a thread
// of its own, a child that execs, a child whose second thread execs (so that the thread becomes the process), a child that ends at once.
// Prints what it made. Each child that stays has slept a known number of times and is blocked by then.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr int kSleeps = 50;  // each is one voluntary switch at least
constexpr int64_t kSleepNs = 200'000;

// What a child tells its parent, and how it waits for the parent's end. Both ends survive exec by number.
struct Pipes {
  int report_read = -1;
  int report_write = -1;
  int leave_read = -1;
  int leave_write = -1;
};

void SleepOften() {
  for (int i = 0; i < kSleeps; ++i) SleepUntil(NowNs() + kSleepNs);
}

void Tell(int report, const nlohmann::json& what) {
  const std::string line = what.dump() + "\n";
  if (write(report, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(4);
}

std::string Hear(int report) {
  std::string line;
  char letter = 0;
  while (read(report, &letter, 1) == 1 && letter != '\n') line += letter;
  return line;
}

// Returns when the parent closes its end, which also happens when it dies.
void AwaitLeave(int leave) {
  char letter;
  while (read(leave, &letter, 1) == -1 && errno == EINTR) {
  }
}

[[noreturn]] void ExecStage(const char* stage, const Pipes& pipes) {
  const std::string report = std::to_string(pipes.report_write);
  const std::string leave = std::to_string(pipes.leave_read);
  execl("/proc/self/exe", "life", "--stage", stage, "--report", report.c_str(), "--leave", leave.c_str(), nullptr);
  _exit(127);
}

[[noreturn]] void RunChild(const std::string& kind, const Pipes& pipes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  LimitLifetime(120);
  close(pipes.leave_write);
  if (kind == "brief") _exit(0);
  if (kind == "exec") ExecStage("1", pipes);
  if (kind == "exec_by_thread") {
    std::thread([&pipes] {
      Tell(pipes.report_write, {{"exec_tid", Tid()}});
      ExecStage("2", pipes);
    }).join();
  }
  std::atomic<pid_t> tid{0};
  std::thread helper([&] {
    Name("grandthread");
    SleepOften();
    tid.store(Tid(), std::memory_order_seq_cst);
    tid.notify_all();
    AwaitLeave(pipes.leave_read);
  });
  SleepOften();
  tid.wait(0);
  Tell(pipes.report_write, {{"tids", {getpid(), tid.load(std::memory_order_seq_cst)}}});
  AwaitLeave(pipes.leave_read);
  helper.join();
  _exit(0);
}

// A program reached by exec: sleeps, reports itself, waits for the end.
int RunStage(const std::string& name, int report, int leave) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  LimitLifetime(120);
  Name(name);
  SleepOften();
  Tell(report, {{"comm", name}, {"tids", {getpid()}}});
  AwaitLeave(leave);
  return 0;
}

nlohmann::json MakeChild(const std::string& kind, const Pipes& pipes) {
  const pid_t pid = fork();
  if (pid == 0) RunChild(kind, pipes);
  nlohmann::json child{{"kind", kind}, {"pid", pid}};
  if (kind == "brief") {
    waitpid(pid, nullptr, 0);
    return child;
  }
  for (int reports = kind == "exec_by_thread" ? 2 : 1; reports > 0; --reports) child.update(nlohmann::json::parse(Hear(pipes.report_read)));
  return child;
}

nlohmann::json MakeBriefThreads() {
  nlohmann::json tids = nlohmann::json::array();
  for (int i = 0; i < 3; ++i) {
    pid_t tid = 0;
    std::thread([&tid] {
      Name("brief");
      tid = Tid();
      SleepOften();
    }).join();
    tids.push_back(tid);
  }
  return tids;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"stage", "report", "leave"}, {"interactive"});
  const int64_t stage = arguments.Number("stage", 0, 1, 2);
  if (stage != 0) {
    return RunStage(stage == 1 ? "exec_child" : "exec_thread", static_cast<int>(arguments.Number("report", 0, 0, 1 << 20)),
                    static_cast<int>(arguments.Number("leave", 0, 0, 1 << 20)));
  }
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));
  session.Ready(nlohmann::json::object());

  Pipes pipes;
  int ends[2];
  if (pipe(ends) != 0) return 4;
  pipes.report_read = ends[0];
  pipes.report_write = ends[1];
  if (pipe(ends) != 0) return 4;
  pipes.leave_read = ends[0];
  pipes.leave_write = ends[1];

  const nlohmann::json brief_threads = MakeBriefThreads();
  std::atomic<pid_t> lasting_tid{0};
  std::thread lasting([&] {
    Name("lasting");
    SleepOften();
    lasting_tid.store(Tid(), std::memory_order_seq_cst);
    lasting_tid.notify_all();
    AwaitLeave(pipes.leave_read);
  });
  lasting_tid.wait(0);
  nlohmann::json children = nlohmann::json::array();
  for (const char* kind : {"brief", "threads", "exec", "exec_by_thread"}) children.push_back(MakeChild(kind, pipes));
  session.Result({{"workload", "life"},
                  {"sleeps_each", kSleeps},
                  {"brief_tids", brief_threads},
                  {"lasting_tid", lasting_tid.load(std::memory_order_seq_cst)},
                  {"children", children}});
  close(pipes.leave_write);
  lasting.join();
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
