#include "tests/privileged/harness/switch_witness.h"

#include <bpf/bpf.h>

#include <cstdio>
#include <cstdlib>

#include "switch_witness.skel.h"

namespace hftmon::testing {

SwitchWitness::SwitchWitness() : witness_(switch_witness_bpf__open_and_load()) {
  if (witness_ != nullptr && switch_witness_bpf__attach(witness_) == 0) return;
  std::perror("switch witness: cannot be attached");
  std::abort();
}

SwitchWitness::~SwitchWitness() {
  switch_witness_bpf__destroy(witness_);
}

uint64_t SwitchWitness::UnseenSwitchIns(pid_t tid) const {
  uint64_t count = 0;
  const uint32_t key = static_cast<uint32_t>(tid);
  bpf_map_lookup_elem(bpf_map__fd(witness_->maps.unseen_by_tid), &key, &count);
  return count;
}

uint64_t SwitchWitness::UnseenSwitchIns() const {
  const int map = bpf_map__fd(witness_->maps.unseen_by_tid);
  uint64_t sum = 0;
  uint32_t tid = 0;
  for (int error = bpf_map_get_next_key(map, nullptr, &tid); error == 0; error = bpf_map_get_next_key(map, &tid, &tid)) {
    sum += UnseenSwitchIns(static_cast<pid_t>(tid));
  }
  return sum;
}

}  // namespace hftmon::testing
