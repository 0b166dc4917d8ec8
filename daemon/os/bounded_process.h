// BoundedProcess: another program run to its end, for what it writes: within a time, a size, and until somebody gives it up.
//
// Waits: never from the loop or a gRPC thread. Whatever happens, no process of it is left but one that the kernel cannot end now (it is
// then left to init). It inherits the caller's CPUs and rights, no environment, no descriptor but its standard output and errors.
#ifndef HFTMON_DAEMON_OS_BOUNDED_PROCESS_H_
#define HFTMON_DAEMON_OS_BOUNDED_PROCESS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hftmon {

struct BoundedProcess {
  std::string path;
  std::vector<std::string> arguments;  // without the program's own name
  int64_t patience_ns = 0;
  size_t output_bytes_max = 0;
  std::function<bool()> given_up;  // asked every 20 ms; may be empty
};

struct ProcessOutput {
  std::string text;
  int exit_code = 0;
};

// UNAVAILABLE: it cannot be started. DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED (it wrote more): it was killed. ABORTED: a signal
// ended it. Each names the program.
absl::StatusOr<ProcessOutput> RunBounded(const BoundedProcess& process);

// Where a program lies that is installed with the running one: beside it.
std::string PathBesideOwn(const std::string& name);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_BOUNDED_PROCESS_H_
