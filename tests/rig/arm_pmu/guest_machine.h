// What a case changes of the guest, which is its own to change: the level of protection of counters, its own privileges, CPUs that go and
// come. Each restores in its destructor what it found. The thread of main; system calls. Only ever in a guest: main refuses to run
// elsewhere.
#ifndef HFTMON_TESTS_RIG_ARM_PMU_GUEST_MACHINE_H_
#define HFTMON_TESTS_RIG_ARM_PMU_GUEST_MACHINE_H_

#include <string>
#include <string_view>

namespace hftmon {

// Mounts /proc and /sys. False, with the reason on stdout: this is no guest of the rig (not the first process), or it cannot.
bool SetUpGuest();
[[noreturn]] void PowerOff();

// The file's text without its last newline; empty when it is not there.
std::string ReadGuestFile(const std::string& path);

// /proc/sys/kernel/perf_event_paranoid.
class ParanoidLevel {
 public:
  explicit ParanoidLevel(int level);
  ~ParanoidLevel();
  ParanoidLevel(const ParanoidLevel&) = delete;
  ParanoidLevel& operator=(const ParanoidLevel&) = delete;

 private:
  std::string before_;
};

// /proc/sys/kernel/perf_user_access: whether programs may read the counters' registers.
class UserAccess {
 public:
  explicit UserAccess(bool allowed);
  ~UserAccess();
  UserAccess(const UserAccess&) = delete;
  UserAccess& operator=(const UserAccess&) = delete;

 private:
  std::string before_;
};

// This process without root's capabilities, as user 1000.
class Unprivileged {
 public:
  Unprivileged();
  ~Unprivileged();
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
};

// CPU 1 off; on again at the latest when this ends.
class CpuOneOffline {
 public:
  CpuOneOffline();
  ~CpuOneOffline();
  CpuOneOffline(const CpuOneOffline&) = delete;
  CpuOneOffline& operator=(const CpuOneOffline&) = delete;
  void BringBack();

 private:
  bool off_;
};

// This thread runs on that CPU alone; where it was allowed to run before, again at the end.
class OnCpu {
 public:
  explicit OnCpu(int cpu);
  ~OnCpu();
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_RIG_ARM_PMU_GUEST_MACHINE_H_
