#include "tests/bench/bench_host.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <string>

#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

nlohmann::json DescribeHost() {
  utsname kernel{};
  uname(&kernel);
  std::string model = "unknown";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  char date[32];
  const time_t now = time(nullptr);
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  return {{"kernel", kernel.release},
          {"machine", kernel.machine},
          {"cpu_model", model},
          {"cpus", workload::InheritedCpus().size()},
          {"date", date}};
}

void MountTracefsPrivately() {
  if (unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) {
    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, nullptr);
    mount("debugfs", "/sys/kernel/debug", "debugfs", 0, nullptr);
  }
}

}  // namespace hftmon::testing
