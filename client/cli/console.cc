#include "client/cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace hftmon {
namespace {

// 0 or the errno that stopped it.
int WriteAll(int fd, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(fd, text.data() + written, text.size() - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

TextStyle StyleOf(int fd) {
  const char* no_color = getenv("NO_COLOR");
  return TextStyle{isatty(fd) == 1 && (no_color == nullptr || no_color[0] == '\0')};
}

}  // namespace

ProcessConsole::ProcessConsole() : out_style_(StyleOf(STDOUT_FILENO)), err_style_(StyleOf(STDERR_FILENO)) {}

bool ProcessConsole::Out(const std::string& text) {
  if (out_error_ == 0) out_error_ = WriteAll(STDOUT_FILENO, text);
  return out_error_ == 0;
}

void ProcessConsole::Err(const std::string& text) {
  static_cast<void>(WriteAll(STDERR_FILENO, text));
}

int ProcessConsole::out_fd() const {
  return STDOUT_FILENO;
}

int ProcessConsole::out_width() const {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace hftmon
