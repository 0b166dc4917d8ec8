#include "client/recording/recording.h"

#include <fmt/format.h>

namespace hftmon {

std::string_view PieceStateName(PieceState state) {
  switch (state) {
    case PieceState::kRunning:
      return "running";
    case PieceState::kWaiting:
      return "waiting";
    case PieceState::kBlocked:
      return "blocked";
    case PieceState::kInterrupted:
      return "interrupted";
    case PieceState::kUnknown:
      break;
  }
  return "unknown";
}

std::string ActorName(const RecordedCause& cause) {
  std::string name = cause.name;
  if (cause.irq > 0) name += fmt::format("{}(irq {})", name.empty() ? "" : " ", cause.irq);
  if (cause.tid > 0) name += fmt::format("{}{}[{}]", name.empty() ? "" : " of ", cause.comm, cause.tid);
  return name;
}

}  // namespace hftmon
