#include "tests/bench/empty_hook.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "empty_hook.skel.h"

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
  if (chosen == tracepoints.size() && empty_hook_bpf__load(hook_) == 0 && empty_hook_bpf__attach(hook_) == 0) return;
  std::perror("empty hook: cannot be attached (root and a kernel with BTF are needed)");
  std::abort();
}

EmptyHook::~EmptyHook() {
  empty_hook_bpf__destroy(hook_);
}

}  // namespace hftmon::testing
