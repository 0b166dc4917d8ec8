#include "tests/rig/arm_pmu/guest_machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace hftmon {
namespace {

constexpr char kParanoid[] = "/proc/sys/kernel/perf_event_paranoid";
constexpr char kUserAccess[] = "/proc/sys/kernel/perf_user_access";
constexpr char kCpuOneOnline[] = "/sys/devices/system/cpu/cpu1/online";
constexpr uid_t kUser = 1000;

// What a case asks of its own machine is there, or the rig is broken: the guest ends, and the rig shows these words.
void Must(bool done, std::string_view what) {
  if (done) return;
  fmt::print("the guest cannot {}: {}\n", what, std::strerror(errno));
  std::fflush(stdout);
  PowerOff();
}

void WriteGuestFile(const char* path, std::string_view text) {
  std::ofstream file(path);
  file << text << std::flush;
  Must(file.good(), fmt::format("write {} to {}", text, path));
}

bool Mount(const char* kind, const char* folder) {
  mkdir(folder, 0755);
  if (mount(kind, folder, kind, 0, nullptr) == 0) return true;
  fmt::print("{} cannot be mounted: {}\n", folder, std::strerror(errno));
  return false;
}

}  // namespace

bool SetUpGuest() {
  if (getpid() != 1) {
    fmt::print("this is not the first process of a guest: tests/rig/arm-pmu runs it\n");
    return false;
  }
  return Mount("proc", "/proc") && Mount("sysfs", "/sys");
}

void PowerOff() {
  reboot(RB_POWER_OFF);
  std::abort();  // the first process: the kernel panics, and QEMU ends
}

std::string ReadGuestFile(const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

ParanoidLevel::ParanoidLevel(int level) : before_(ReadGuestFile(kParanoid)) {
  WriteGuestFile(kParanoid, std::to_string(level));
}
ParanoidLevel::~ParanoidLevel() {
  WriteGuestFile(kParanoid, before_);
}

UserAccess::UserAccess(bool allowed) : before_(ReadGuestFile(kUserAccess)) {
  WriteGuestFile(kUserAccess, allowed ? "1" : "0");
}
UserAccess::~UserAccess() {
  WriteGuestFile(kUserAccess, before_);
}

// The effective ids alone: what they lose of capabilities comes back with them.
Unprivileged::Unprivileged() {
  Must(seteuid(kUser) == 0, "become another user");
}
Unprivileged::~Unprivileged() {
  Must(seteuid(0) == 0, "become root again");
}

CpuOneOffline::CpuOneOffline() : off_(true) {
  WriteGuestFile(kCpuOneOnline, "0");
}
CpuOneOffline::~CpuOneOffline() {
  BringBack();
}
void CpuOneOffline::BringBack() {
  if (off_) WriteGuestFile(kCpuOneOnline, "1");
  off_ = false;
}

OnCpu::OnCpu(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  Must(sched_setaffinity(0, sizeof one, &one) == 0, fmt::format("run on CPU {}", cpu));
}

OnCpu::~OnCpu() {
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  Must(sched_setaffinity(0, sizeof all, &all) == 0, "run on any CPU again");
}

}  // namespace hftmon
