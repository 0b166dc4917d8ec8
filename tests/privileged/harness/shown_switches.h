// ShownSwitches: what the kernel's counts of a process's switches came to at the last switch of each thread that BPF programs were told of,
// by a program of its own. On most hosts programs are told of all. Where the host hides its own guest agent, a thread whose sleep or end
// made room for that is not seen leaving: its counts go on unseen until its next switch, which may not come.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_SHOWN_SWITCHES_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_SHOWN_SWITCHES_H_

#include <sys/types.h>

#include <cstdint>

struct shown_switches_bpf;

namespace hftmon::testing {

struct SwitchSums {
  int64_t voluntary = 0;
  int64_t involuntary = 0;
};

class ShownSwitches {
 public:
  // Aborts when it cannot be attached: use it where WhyNotPrivileged() is empty.
  ShownSwitches();
  ~ShownSwitches();
  ShownSwitches(const ShownSwitches&) = delete;
  ShownSwitches& operator=(const ShownSwitches&) = delete;

  // Of the process's threads that left a CPU since this exists, those that ended among them; each since its birth.
  SwitchSums Of(pid_t pid) const;

 private:
  shown_switches_bpf* witness_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_SHOWN_SWITCHES_H_
