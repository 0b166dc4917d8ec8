// SystemCallBan: runs something in a child of this process that the kernel kills for its first system call. Not under a sanitizer, which
// makes system calls of its own.
#ifndef HFTMON_TESTS_FAKES_SYSTEM_CALL_BAN_H_
#define HFTMON_TESTS_FAKES_SYSTEM_CALL_BAN_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <iterator>

namespace hftmon {

// From here on the kernel kills this process for every call but its end. (Strict mode would not do: it takes the counter away too.)
inline bool ForbidSystemCalls() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog filter = {.len = std::size(program), .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// What the child that does `act` without system calls ended with: its exit code, or 256 and the signal.
template <typename Act>
int WithoutSystemCalls(Act act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_SYSTEM_CALL_BAN_H_
