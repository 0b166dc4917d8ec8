#include "tests/bench/empty_hook.h"

#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "empty_hook.skel.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {

EmptyHook::EmptyHook(const std::vector<std::string>& tracepoints) : hook_(empty_hook_bpf__open()) {
  size_t chosen = 0;
  bpf_program* program = nullptr;
  if (hook_ != nullptr) {
    bpf_object__for_each_program(program, hook_->obj) {
      const std::string section = bpf_program__section_name(program);
      const bool wanted = std::find(tracepoints.begin(), tracepoints.end(), section.substr(section.find('/') + 1)) != tracepoints.end();
      bpf_program__set_autoload(program, wanted);
      chosen += wanted ? 1 : 0;
    }
  }
  const bool events = std::find(tracepoints.begin(), tracepoints.end(), kMinorFaultEvent) != tracepoints.end();
  if (chosen == tracepoints.size() && empty_hook_bpf__load(hook_) == 0 && empty_hook_bpf__attach(hook_) == 0 &&
      (!events || AttachToMinorFaults())) {
    return;
  }
  std::perror("empty hook: cannot be attached (root and a kernel with BTF are needed)");
  std::abort();
}

bool EmptyHook::AttachToMinorFaults() {
  perf_event_attr attributes = {};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
  attributes.sample_period = 1;
  for (const int cpu : workload::InheritedCpus()) {
    const long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) return false;
    event_links_.push_back(bpf_program__attach_perf_event(hook_->progs.empty_event, static_cast<int>(fd)));
    if (event_links_.back() == nullptr) return false;
  }
  return true;
}

EmptyHook::~EmptyHook() {
  for (bpf_link* link : event_links_) bpf_link__destroy(link);
  empty_hook_bpf__destroy(hook_);
}

}  // namespace hftmon::testing
