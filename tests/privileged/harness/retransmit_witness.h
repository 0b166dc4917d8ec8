// RetransmitWitness: TCP segments sent again that the kernel shows to BPF programs, by an independent program at the same tracepoint.
// On most hosts all are shown. Where the host hides what happens on the CPU of its own guest agent, a timer that fires there is not.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_RETRANSMIT_WITNESS_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_RETRANSMIT_WITNESS_H_

#include <cstdint>

struct retransmit_witness_bpf;

namespace hftmon::testing {

class RetransmitWitness {
 public:
  // Aborts when it cannot be attached: use it where WhyNotPrivileged() is empty.
  RetransmitWitness();
  ~RetransmitWitness();
  RetransmitWitness(const RetransmitWitness&) = delete;
  RetransmitWitness& operator=(const RetransmitWitness&) = delete;

  // To that port, since the witness exists.
  uint64_t Shown(uint16_t remote_port) const;

 private:
  retransmit_witness_bpf* witness_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_RETRANSMIT_WITNESS_H_
