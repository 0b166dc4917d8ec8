#include "tests/privileged/harness/retransmit_witness.h"

#include <bpf/bpf.h>

#include <cstdio>
#include <cstdlib>

#include "retransmit_witness.skel.h"

namespace hftmon::testing {

RetransmitWitness::RetransmitWitness() : witness_(retransmit_witness_bpf__open_and_load()) {
  if (witness_ != nullptr && retransmit_witness_bpf__attach(witness_) == 0) return;
  std::perror("retransmit witness: cannot be attached");
  std::abort();
}

RetransmitWitness::~RetransmitWitness() {
  retransmit_witness_bpf__destroy(witness_);
}

uint64_t RetransmitWitness::Shown(uint16_t remote_port) const {
  uint64_t count = 0;
  const uint32_t key = remote_port;
  bpf_map_lookup_elem(bpf_map__fd(witness_->maps.count_by_port), &key, &count);
  return count;
}

}  // namespace hftmon::testing
