// A process that replaces itself when told to: --by-thread makes a second thread call exec, which thereby takes over the process id. The
// second program sleeps --count times, reports, and waits. The pid stays the same throughout; what was watched must stay watched.
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"count"}, {"interactive", "by-thread", "second"});
  const int64_t count = arguments.Number("count", 50, 1, 100'000);
  LimitLifetime(120);
  Session session(arguments.Flag("interactive"));
  if (arguments.Flag("second")) {
    Name("second");
    for (int64_t i = 0; i < count; ++i) SleepUntil(NowNs() + 200'000);
    session.Result({{"workload", "execer"}, {"tid", Tid()}, {"sleeps", count}});
    return 0;
  }
  Name("first");
  session.Ready({{"tid", Tid()}});
  const std::string number = std::to_string(count);
  const char* interactive = session.interactive() ? "--interactive" : nullptr;
  const auto replace = [&number, interactive] {
    execl("/proc/self/exe", "execer", "--second", "--count", number.c_str(), interactive, nullptr);
  };
  if (arguments.Flag("by-thread")) {
    std::thread(replace).join();
  } else {
    replace();
  }
  std::perror("execl");
  return 4;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
