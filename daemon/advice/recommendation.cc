#include "daemon/advice/recommendation.h"

namespace hftmon {

std::string_view ReachName(Reach reach) {
  switch (reach) {
    case Reach::kNow:
      return "now";
    case Reach::kRestart:
      return "restart";
    case Reach::kReboot:
      return "reboot";
    case Reach::kCode:
      return "code";
    case Reach::kFirmware:
      break;
  }
  return "firmware";
}

std::string_view RiskName(Risk risk) {
  return risk == Risk::kLow ? "low" : risk == Risk::kMedium ? "medium" : "high";
}

std::string_view BasisName(Basis basis) {
  return basis == Basis::kMeasured ? "measured" : "configuration";
}

}  // namespace hftmon
