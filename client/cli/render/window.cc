#include "client/cli/render/window.h"

namespace hftmon {
namespace {

// The answer's time is a little after the call's arrival, to which the window reaches: what begins after this began later than asked.
bool BeginsLate(const v1::Window& window, const v1::TimePair& time) {
  return window.requested_ns() > 0 && window.begin_monotonic_ns() > time.monotonic_ns() - window.requested_ns();
}

}  // namespace

std::string WindowNote(const v1::Window& window, const v1::TimePair& time) {
  std::string note;
  if (window.truncated() && BeginsLate(window, time)) {
    note = ", shorter than asked: of the time before nothing is kept";
  } else if (window.truncated()) {
    note = ", incomplete: a process was attached within it, or part of it is no longer kept";
  }
  if (window.late()) note += ", ends early: the daemon is late";
  return note;
}

}  // namespace hftmon
