#include "client/export/alpha_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "client/export/counted_stalls.h"

namespace hftmon {
namespace {

constexpr double kNsPerUs = 1'000;
constexpr double kBasisPoints = 10'000;

absl::StatusOr<double> ParsePositive(const std::string& option, const std::string& text) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value) || value <= 0) {
    return absl::InvalidArgumentError(fmt::format("{} '{}': no number above 0: give e.g. {}", option, text,
                                                  option == "--notional" ? "5000000 (what is at risk, in your currency)" : "0.02"));
  }
  return value;
}

std::string TargetName(const Recording& recording, int32_t pid) {
  for (const RecordedThread& thread : recording.threads) {
    if (thread.id.tid == pid) return fmt::format("{}[{}]", thread.id.comm, pid);
  }
  return fmt::format("process {}", pid);
}

std::vector<std::string> StackOf(const RecordedSpike& spike) {
  std::vector<std::string> names(spike.user_stack.rbegin(), spike.user_stack.rend());
  names.insert(names.end(), spike.kernel_stack.rbegin(), spike.kernel_stack.rend());
  return names;
}

class FrameSums {
 public:
  FrameSums(const Recording& recording, const AlphaPrice& price) : recording_(recording), price_(price) {}

  void Add(const CountedStall& stall) {
    for (const RecordedCause& cause : stall.spike->causes) {
      if (cause.kind == "running") continue;
      const std::string actor = ActorName(cause);
      AddCause(*stall.spike, actor.empty() ? cause.kind : fmt::format("{}: {}", cause.kind, actor), stall.Part(cause.duration_ns));
    }
    if (stall.spike->unexplained_ns > 0) AddCause(*stall.spike, "unexplained", stall.Part(stall.spike->unexplained_ns));
  }
  std::vector<AlphaFrame> Take() && {
    std::vector<AlphaFrame> frames;
    for (auto& [names, units] : sums_) frames.push_back({names, units});
    return frames;
  }

 private:
  void AddCause(const RecordedSpike& spike, const std::string& cause, double ns) {
    std::vector<std::string> names = {"money lost", TargetName(recording_, spike.thread.pid),
                                      fmt::format("{}[{}]", spike.thread.comm, spike.thread.tid),
                                      spike.operation.empty() ? spike.kind : spike.kind + ": " + spike.operation, cause};
    for (std::string& frame : StackOf(spike)) names.push_back(std::move(frame));
    sums_[std::move(names)] += ns * price_.UnitsPerNs();
  }

  const Recording& recording_;
  const AlphaPrice& price_;
  std::map<std::vector<std::string>, double> sums_;
};

}  // namespace

double AlphaPrice::UnitsPerNs() const {
  return notional * bps_per_us / kBasisPoints / kNsPerUs * kAlphaUnitsPerCurrency;
}

absl::StatusOr<AlphaPrice> ParseAlphaPrice(const std::string& notional, const std::string& bps_per_us,
                                           const std::vector<std::string>& kinds) {
  const absl::StatusOr<double> at_risk = ParsePositive("--notional", notional);
  if (!at_risk.ok()) return at_risk.status();
  const absl::StatusOr<double> rate = ParsePositive("--bps-per-us", bps_per_us);
  if (!rate.ok()) return rate.status();
  AlphaPrice price{.notional = *at_risk, .bps_per_us = *rate, .kinds = {kinds.begin(), kinds.end()}};
  // Each of them finite, and what they make together beyond it.
  if (!std::isfinite(price.UnitsPerNs() * 1e18)) {
    return absl::InvalidArgumentError(
        fmt::format("--notional {} × --bps-per-us {}: more than can be counted: give smaller ones", notional, bps_per_us));
  }
  if (price.kinds.empty()) price.kinds = CountedByDefault();
  for (const std::string& kind : price.kinds) {
    if (std::find(SpikeKinds().begin(), SpikeKinds().end(), kind) == SpikeKinds().end()) {
      return absl::InvalidArgumentError(
          fmt::format("--kinds '{}': no kind of a spike: give of {}", kind, absl::StrJoin(SpikeKinds(), ", ")));
    }
  }
  return price;
}

std::vector<AlphaFrame> AlphaFrames(const Recording& recording, const AlphaPrice& price) {
  FrameSums sums(recording, price);
  for (const CountedStall& stall : CountedStalls(recording, price.kinds)) sums.Add(stall);
  return std::move(sums).Take();
}

}  // namespace hftmon
