#include "daemon/os/syscall_names.h"

#include <fmt/format.h>
#include <seccomp.h>

#include <cstdlib>
#include <memory>

namespace hftmon {

std::string SyscallName(int32_t number) {
  if (number < 0) return {};
  const auto release = [](char* name) { std::free(name); };
  const std::unique_ptr<char, decltype(release)> name(::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), release);
  return name ? std::string(name.get()) : fmt::format("syscall_{}", number);
}

int32_t SyscallNumber(const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  // The resolver gives calls of other architectures negative numbers of their own.
  return number < 0 ? -1 : number;
}

}  // namespace hftmon
