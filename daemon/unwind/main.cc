// hftmon-unwind: answers each raw stack record that comes over descriptor 3 with its frames (daemon/stacks/unwind_process.h). Ends with
// hftmond, or when one stack takes longer than kSecondsMax: the files it reads are the watched program's.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "daemon/stacks/stack_codec.h"
#include "daemon/unwind/record_unwinder.h"

namespace {

constexpr int kSocket = 3;
constexpr unsigned kSecondsMax = 2;
constexpr rlim_t kMemoryBytesMax = rlim_t{3} << 30;  // of address space: files are mapped

}  // namespace

int main() {
  const rlimit memory{kMemoryBytesMax, kMemoryBytesMax};
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_AS, &memory);
  setrlimit(RLIMIT_CORE, &no_core);
  setpriority(PRIO_PROCESS, 0, 10);
  // The daemon's masks and handlers are not ours: the alarm must end this process.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGALRM, SIG_DFL);
  hftmon::RecordUnwinder unwinder;
  static hft_stack record;
  while (true) {
    const ssize_t bytes = recv(kSocket, &record, sizeof(record), 0);
    if (bytes == 0) return 0;
    if (bytes != static_cast<ssize_t>(sizeof(record))) {
      fputs("hftmon-unwind: descriptor 3 is no socket of hftmond: it is started by hftmond and has no use of its own\n", stderr);
      return 3;
    }
    alarm(kSecondsMax);
    const std::string answer = EncodeStack(unwinder.Unwind(record));
    alarm(0);
    if (send(kSocket, answer.data(), answer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(answer.size())) return 1;
  }
}
