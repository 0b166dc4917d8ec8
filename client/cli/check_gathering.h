// CheckGathering: asks the daemon for all that `check` judges by, while a run lasts: attaches what is to be checked, looks at the sums at
// its beginning, at its end and between its segments, and asks for the single events and the advice when it is over.
//
// One thread; the clients outlive it. What it attaches belongs to the client's session, and ends with that.
#ifndef HFTMON_CLIENT_CLI_CHECK_GATHERING_H_
#define HFTMON_CLIENT_CLI_CHECK_GATHERING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/check/check_inputs.h"
#include "client/check/check_limits.h"
#include "client/cpp/client.h"

namespace hftmon {

struct CheckQuestion {
  std::set<CheckModule> modules;
  std::vector<int32_t> pids;  // as the user numbers them
  std::vector<int32_t> tids;
  std::vector<int> cpus;
  std::string interface;
  int64_t duration_ns = 0;
  int online_cpu_count = 1;
  CheckLimits limits;
};

struct GatheredCheck {
  CheckInputs inputs;
  std::vector<CheckInputs> segments;  // none: interrupted, or shorter than kSegmentedMinNs
  v1::TimePair time;
};

class CheckGathering {
 public:
  static constexpr int kSegments = 10;
  static constexpr int64_t kSegmentedMinNs = 1'000'000'000;

  // Waits until a moment of CLOCK_MONOTONIC; false: stop now.
  using Wait = std::function<bool(int64_t monotonic_ns)>;

  // `client` numbers processes as the user does, `by_host_numbers` as answers do.
  CheckGathering(const Client& client, const Client& by_host_numbers, CheckQuestion question);

  // Watches what is to be checked. Probe groups that the daemon refuses (quiet hours, a kernel without them) are left out, with the reason.
  absl::Status Attach();
  // After Attach. UNAVAILABLE: the daemon ended or was restarted meanwhile.
  absl::StatusOr<GatheredCheck> Run(const Wait& wait);

 private:
  // The sums at one moment.
  struct Snapshot {
    int64_t at_ns = 0;
    absl::StatusOr<v1::QueryContextSwitchesResponse> switches = NotAsked();  // since the snapshot before
    absl::StatusOr<v1::QueryInterruptsResponse> interrupts = NotAsked();
    absl::StatusOr<v1::QueryMemoryResponse> memory = NotAsked();
    absl::StatusOr<v1::QueryLocksResponse> locks = NotAsked();
    absl::StatusOr<v1::QueryNetworkResponse> network = NotAsked();
    absl::StatusOr<v1::TargetRule> rule = NotAsked();
  };

  bool Asks(CheckModule module) const { return question_.modules.contains(module); }
  v1::AttachRequest BaseRequest() const;
  std::vector<std::string> ProbeGroups() const;
  absl::Status AttachOneByOne(const std::vector<std::string>& groups);
  absl::Status Remember(const absl::StatusOr<v1::AttachResponse>& attached);

  // Until it is known how the threads are scheduled, at most 5 s.
  void AwaitScheduling(const Wait& wait) const;
  Snapshot Take(int64_t window_ns, bool with_lines) const;
  absl::StatusOr<v1::QueryContextSwitchesResponse> Switches(int64_t window_ns) const;
  absl::StatusOr<v1::TargetRule> Rule() const;
  CheckInputs Between(const Snapshot& first, const Snapshot& last) const;
  void AskAtEnd(const v1::GetStatusResponse& before, const v1::GetStatusResponse& after, const Wait& wait, CheckInputs* inputs) const;
  absl::StatusOr<v1::QueryNumaResponse> Numa() const;

  const Client& client_;
  const Client& by_host_numbers_;
  const CheckQuestion question_;
  std::vector<int32_t> host_pids_;
  std::optional<uint32_t> rule_id_;
  std::map<std::string, std::string> refused_groups_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_CHECK_GATHERING_H_
