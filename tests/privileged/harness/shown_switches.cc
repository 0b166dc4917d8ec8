#include "tests/privileged/harness/shown_switches.h"

#include <bpf/bpf.h>

#include <cstdio>
#include <cstdlib>

#include "shown_switches.skel.h"

namespace hftmon::testing {

ShownSwitches::ShownSwitches() : witness_(shown_switches_bpf__open_and_load()) {
  if (witness_ != nullptr && shown_switches_bpf__attach(witness_) == 0) return;
  std::perror("shown switches: the witness cannot be attached");
  std::abort();
}

ShownSwitches::~ShownSwitches() {
  shown_switches_bpf__destroy(witness_);
}

SwitchSums ShownSwitches::Of(pid_t pid) const {
  SwitchSums sums;  // as process_counts of the program
  const auto key = static_cast<uint32_t>(pid);
  bpf_map_lookup_elem(bpf_map__fd(witness_->maps.shown_by_tgid), &key, &sums);
  return sums;
}

}  // namespace hftmon::testing
