// TopData: what is known of daemon, targets, threads and spikes, made of the newest answers. A value: a copy is a picture of one moment.
//
// Threads: one. Bounds: kSpikesMax spikes, of which the oldest are forgotten; rows as many as the daemon tells.
#ifndef HFTMON_CLIENT_TOP_TOP_DATA_H_
#define HFTMON_CLIENT_TOP_TOP_DATA_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/top/top_update.h"

namespace hftmon {

// A thread, or a target as a whole. What is not known, or has too few samples, has no value.
struct TopRow {
  int32_t pid = 0;
  int32_t tid = 0;                       // 0: the whole target
  std::string name;                      // of anybody's choosing: clean it before it is shown
  std::string state;                     // of a thread how it is scheduled ("FIFO 80"), of a target whether it runs
  std::optional<uint64_t> thread_count;  // of a target
  // Shares of the newest window; of a target the sum of its threads, 1 = a whole CPU.
  std::optional<double> cpu_share;
  std::optional<double> wait_share;
  std::optional<double> blocked_share;
  std::optional<double> interrupted_share;
  std::optional<double> switches_hz;
  std::optional<double> involuntary_hz;
  // Waits for a CPU that ended in the newest window.
  std::optional<double> p50_ns;
  std::optional<double> p99_ns;
  std::optional<double> max_ns;
  // Since this began to look; `spikes_at_least`: a snapshot was missed.
  uint64_t spike_count = 0;
  bool spikes_at_least = false;

  int32_t number() const { return tid > 0 ? tid : pid; }
};

class TopData {
 public:
  static constexpr size_t kSpikesMax = 500;

  // `chosen`: only some processes are asked for, so of targets only those are shown that have samples.
  explicit TopData(bool chosen = false) : chosen_(chosen) {}

  void Take(const TopUpdate& update);

  // In no order.
  std::vector<TopRow> ThreadRows() const;
  std::vector<TopRow> TargetRows() const;
  // Newest first: a spike that goes on keeps its place when its end is told.
  std::vector<const TopSpike*> Spikes() const;
  // Null: it is no longer kept, or never was.
  const TopSpike* FindSpike(uint32_t daemon_number, uint64_t id) const;

  const std::string& trouble() const { return trouble_; }
  bool has_status() const { return status_.has_value(); }
  const v1::GetStatusResponse& status() const { return status_.has_value() ? *status_ : v1::GetStatusResponse::default_instance(); }
  // Of each kind of answer one came.
  bool is_whole() const;
  // CPU time of the daemon over wall time: between the two newest answers, of the first one since it started. 1 = one core.
  double cost_share() const { return cost_share_; }
  // Length of the newest window of the figures; 0 before the first.
  int64_t window_ns() const;
  // In the newest window.
  uint64_t lost_records() const;
  uint64_t unslotted_thread_count() const;
  uint64_t spikes_dropped() const { return stream_dropped_.value_or(0); }

 private:
  using Key = std::pair<int32_t, int32_t>;  // pid, tid
  struct SpikeSum {
    uint64_t count = 0;
    bool at_least = false;
  };

  void TakeStatus(const v1::GetStatusResponse& status);
  void TakeMetrics(const TopMetrics& metrics);
  void TakeSpike(const TopSpike& spike);
  void AddSamples(const std::optional<TopMetrics>& metrics, std::map<Key, TopRow>* rows) const;
  double Share(int64_t part_ns) const;

  const bool chosen_;
  std::string trouble_;
  std::optional<v1::GetStatusResponse> status_;
  double cost_share_ = 0;
  std::optional<v1::ListTargetsResponse> targets_;
  std::optional<v1::QueryThreadsResponse> threads_;
  std::optional<TopMetrics> target_metrics_;
  std::optional<TopMetrics> thread_metrics_;
  std::map<Key, SpikeSum> spike_sums_;                        // of what the newest snapshots name
  std::map<std::pair<uint32_t, uint64_t>, TopSpike> spikes_;  // by daemon and id: both rise with time
  std::optional<uint64_t> stream_dropped_;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_DATA_H_
