#include "client/top/terminal_rescue.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace hftmon {
namespace {

constexpr std::array kFatal = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// Of the process, as signal handlers are: written while none of them is in force.
struct Rescue {
  int fd = -1;
  termios modes = {};
  std::array<char, 256> leave = {};
  size_t leave_size = 0;
};

Rescue rescue;

void OnFatal(int signal) {
  tcsetattr(rescue.fd, TCSANOW, &rescue.modes);
  if (write(rescue.fd, rescue.leave.data(), rescue.leave_size) < 0) {
    // There is nothing left to try.
  }
  raise(signal);  // SA_RESETHAND: now it ends the process
}

}  // namespace

TerminalRescue::TerminalRescue(int fd, const termios& modes, const std::string& leave) {
  rescue.fd = fd;
  rescue.modes = modes;
  rescue.leave_size = std::min(leave.size(), rescue.leave.size());
  std::copy_n(leave.begin(), rescue.leave_size, rescue.leave.begin());
  struct sigaction action = {};
  action.sa_handler = &OnFatal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (const int signal : kFatal) sigaction(signal, &action, nullptr);
}

TerminalRescue::~TerminalRescue() {
  for (const int signal : kFatal) ::signal(signal, SIG_DFL);
}

}  // namespace hftmon
