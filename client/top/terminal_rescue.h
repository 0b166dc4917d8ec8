// TerminalRescue: while it lives, a process that crashes or aborts puts its terminal right before it ends as it would have.
//
// Threads: made and destroyed by one; the handlers run on whichever crashes, call what is async-signal-safe alone, and raise the signal
// again. At most one in a process.
#ifndef HFTMON_CLIENT_TOP_TERMINAL_RESCUE_H_
#define HFTMON_CLIENT_TOP_TERMINAL_RESCUE_H_

#include <termios.h>

#include <string>

namespace hftmon {

class TerminalRescue {
 public:
  // Of the terminal `fd` is: the modes to return to, and what is then written to it (at most 256 bytes). Both are copied.
  TerminalRescue(int fd, const termios& modes, const std::string& leave);
  ~TerminalRescue();
  TerminalRescue(const TerminalRescue&) = delete;
  TerminalRescue& operator=(const TerminalRescue&) = delete;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TERMINAL_RESCUE_H_
