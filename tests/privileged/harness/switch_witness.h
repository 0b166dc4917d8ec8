// SwitchWitness: counts the switches that the kernel does not show to BPF programs, by an independent program at the same tracepoint.
// On most hosts there are none. Where the host hides its own guest agent, a thread that runs right after it is not seen coming.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_SWITCH_WITNESS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_SWITCH_WITNESS_H_

#include <sys/types.h>

#include <cstdint>

struct switch_witness_bpf;

namespace hftmon::testing {

class SwitchWitness {
 public:
  // Aborts when it cannot be attached: use it where WhyNotPrivileged() is empty.
  SwitchWitness();
  ~SwitchWitness();
  SwitchWitness(const SwitchWitness&) = delete;
  SwitchWitness& operator=(const SwitchWitness&) = delete;

  // Times that the thread got a CPU unseen since the witness exists.
  uint64_t UnseenSwitchIns(pid_t tid) const;
  // The same of all threads of the host. Above 0, who ran is not always known: time may be blamed on the hidden thread's neighbour.
  uint64_t UnseenSwitchIns() const;

 private:
  switch_witness_bpf* witness_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_SWITCH_WITNESS_H_
