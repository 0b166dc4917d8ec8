#include "client/top/top_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"

namespace hftmon {
namespace {

constexpr double kSecondNs = 1e9;

int64_t LengthNs(const v1::Window& window) {
  return window.end_monotonic_ns() - window.begin_monotonic_ns();
}

std::string PolicyText(const v1::Scheduling& scheduling) {
  std::string text = absl::AsciiStrToUpper(scheduling.policy());
  if (scheduling.realtime_priority() > 0) return fmt::format("{} {}", text, scheduling.realtime_priority());
  if (scheduling.nice() != 0) text += fmt::format(" {:+}", scheduling.nice());
  return text;
}

const char* StateText(v1::TargetState state) {
  switch (state) {
    case v1::TARGET_STATE_PAUSED:
      return "paused";
    case v1::TARGET_STATE_ENDED:
      return "ended";
    default:
      return "running";
  }
}

void Add(double part, std::optional<double>* sum) {
  *sum = sum->value_or(0) + part;
}

void SetSample(std::string_view metric, double value, double window_ns, TopRow* row) {
  if (metric == "run_queue_latency_p50_ns") row->p50_ns = value;
  if (metric == "run_queue_latency_p99_ns") row->p99_ns = value;
  if (metric == "run_queue_latency_max_ns") row->max_ns = value;
  if (window_ns <= 0) return;
  if (metric == "context_switches_voluntary_count") Add(value / window_ns * kSecondNs, &row->switches_hz);
  if (metric == "context_switches_involuntary_count") {
    Add(value / window_ns * kSecondNs, &row->switches_hz);
    row->involuntary_hz = value / window_ns * kSecondNs;
  }
  if (metric == "interrupted_sum_ns") row->interrupted_share = value / window_ns;
}

std::vector<TopRow> Values(std::map<std::pair<int32_t, int32_t>, TopRow> rows) {
  std::vector<TopRow> values;
  values.reserve(rows.size());
  for (auto& [key, row] : rows) values.push_back(std::move(row));
  return values;
}

}  // namespace

void TopData::Take(const TopUpdate& update) {
  if (const auto* connection = std::get_if<TopConnection>(&update)) trouble_ = connection->trouble;
  if (const auto* status = std::get_if<v1::GetStatusResponse>(&update)) TakeStatus(*status);
  if (const auto* targets = std::get_if<v1::ListTargetsResponse>(&update)) targets_ = *targets;
  if (const auto* threads = std::get_if<v1::QueryThreadsResponse>(&update)) threads_ = *threads;
  if (const auto* metrics = std::get_if<TopMetrics>(&update)) TakeMetrics(*metrics);
  if (const auto* spike = std::get_if<TopSpike>(&update)) TakeSpike(*spike);
  if (const auto* losses = std::get_if<TopStreamLosses>(&update)) stream_dropped_ = losses->dropped;
}

void TopData::TakeStatus(const v1::GetStatusResponse& status) {
  cost_share_ = status.daemon().cpu_share();
  if (status_.has_value() && status_->daemon().pid() == status.daemon().pid()) {
    const int64_t wall_ns = status.time().monotonic_ns() - status_->time().monotonic_ns();
    const int64_t cpu_ns = status.daemon().cpu_time_ns() - status_->daemon().cpu_time_ns();
    if (wall_ns > 0 && cpu_ns >= 0) cost_share_ = static_cast<double>(cpu_ns) / static_cast<double>(wall_ns);
  }
  status_ = status;
}

void TopData::TakeMetrics(const TopMetrics& metrics) {
  std::optional<TopMetrics>& kept = metrics.per_thread ? thread_metrics_ : target_metrics_;
  const bool missed = metrics.missed_before || (kept.has_value() && metrics.snapshot.dropped() > kept->snapshot.dropped());
  std::map<Key, SpikeSum> sums;
  for (const v1::MetricSample& sample : metrics.snapshot.samples()) {
    const Key key{sample.pid(), sample.tid()};
    const auto known = spike_sums_.find(key);
    const auto [entry, is_new] = sums.try_emplace(key, known == spike_sums_.end() ? SpikeSum{} : known->second);
    if (is_new && known != spike_sums_.end()) entry->second.at_least = entry->second.at_least || missed;
    if (sample.metric() == "spikes_count") entry->second.count += static_cast<uint64_t>(sample.value());
  }
  // Those of the other kind of snapshot, whose keys have, or have not, a tid of 0.
  for (const auto& [key, sum] : spike_sums_) {
    if ((key.second != 0) != metrics.per_thread) sums.emplace(key, sum);
  }
  spike_sums_ = std::move(sums);
  kept = metrics;
}

void TopData::TakeSpike(const TopSpike& spike) {
  TopSpike& kept = spikes_[{spike.daemon_number, spike.spike.id()}];
  // What is told late must not undo the end, nor take away the stack that a second look brought.
  const bool ended = kept.daemon_number != 0 && !kept.spike.in_progress();
  if (ended && (spike.spike.in_progress() || (kept.spike.has_stack() && !spike.spike.has_stack()))) return;
  kept = spike;
  if (spikes_.size() > kSpikesMax) spikes_.erase(spikes_.begin());
}

void TopData::AddSamples(const std::optional<TopMetrics>& metrics, std::map<Key, TopRow>* rows) const {
  if (!metrics.has_value()) return;
  const auto window_ns = static_cast<double>(LengthNs(metrics->snapshot.window()));
  for (const v1::MetricSample& sample : metrics->snapshot.samples()) {
    TopRow& row = (*rows)[{sample.pid(), sample.tid()}];
    row.pid = sample.pid();
    row.tid = sample.tid();
    SetSample(sample.metric(), sample.value(), window_ns, &row);
  }
  for (auto& [key, row] : *rows) {
    const auto sum = spike_sums_.find(key);
    if (sum == spike_sums_.end()) continue;
    row.spike_count = sum->second.count;
    row.spikes_at_least = sum->second.at_least;
  }
}

double TopData::Share(int64_t part_ns) const {
  const int64_t length_ns = threads_.has_value() ? LengthNs(threads_->window()) : 0;
  return length_ns > 0 ? static_cast<double>(part_ns) / static_cast<double>(length_ns) : 0;
}

std::vector<TopRow> TopData::ThreadRows() const {
  std::map<Key, TopRow> rows;
  AddSamples(thread_metrics_, &rows);
  if (!threads_.has_value()) return Values(std::move(rows));
  std::set<Key> alive;
  for (const v1::ScheduledThread& thread : threads_->threads()) {
    const Key key{thread.thread().pid(), thread.thread().tid()};
    if (!thread.alive()) continue;
    alive.insert(key);
    TopRow& row = rows[key];
    row.pid = key.first;
    row.tid = key.second;
    row.name = thread.thread().comm();
    if (thread.has_scheduling()) row.state = PolicyText(thread.scheduling());
    row.cpu_share = Share(thread.cpu_time_ns());
    row.wait_share = Share(thread.run_queue_wait_ns());
    row.blocked_share = Share(thread.blocked_ns());
    row.interrupted_share = Share(thread.interrupted_ns());
  }
  // Threads that ended have totals, and so samples, for as long as their target is remembered.
  std::erase_if(rows, [&alive](const auto& entry) { return !alive.contains(entry.first) && entry.second.switches_hz.value_or(0) == 0; });
  return Values(std::move(rows));
}

std::vector<TopRow> TopData::TargetRows() const {
  std::map<Key, TopRow> rows;
  AddSamples(target_metrics_, &rows);
  std::set<int32_t> listed;
  const v1::ListTargetsResponse& targets = targets_.has_value() ? *targets_ : v1::ListTargetsResponse::default_instance();
  for (const v1::Target& target : targets.targets()) {
    const Key key{target.pid(), 0};
    const bool ended = target.state() == v1::TARGET_STATE_ENDED;
    // An ended target's number may be a running one's again.
    if ((chosen_ && !rows.contains(key)) || (ended && listed.contains(target.pid()))) continue;
    listed.insert(target.pid());
    TopRow& row = rows[key];
    row.pid = target.pid();
    row.name = target.comm();
    row.state = StateText(target.state());
    row.thread_count = static_cast<uint64_t>(std::max(target.thread_count(), 0));
  }
  std::erase_if(rows, [](const auto& entry) { return entry.second.state == "ended"; });
  if (!threads_.has_value()) return Values(std::move(rows));
  for (const v1::ScheduledThread& thread : threads_->threads()) {
    const auto row = rows.find({thread.thread().pid(), 0});
    if (row == rows.end()) continue;
    Add(Share(thread.cpu_time_ns()), &row->second.cpu_share);
    Add(Share(thread.run_queue_wait_ns()), &row->second.wait_share);
  }
  return Values(std::move(rows));
}

std::vector<const TopSpike*> TopData::Spikes() const {
  std::vector<const TopSpike*> newest_first;
  newest_first.reserve(spikes_.size());
  for (auto entry = spikes_.rbegin(); entry != spikes_.rend(); ++entry) newest_first.push_back(&entry->second);
  return newest_first;
}

const TopSpike* TopData::FindSpike(uint32_t daemon_number, uint64_t id) const {
  const auto found = spikes_.find({daemon_number, id});
  return found == spikes_.end() ? nullptr : &found->second;
}

bool TopData::is_whole() const {
  return status_.has_value() && targets_.has_value() && threads_.has_value() && target_metrics_.has_value() &&
         thread_metrics_.has_value() && stream_dropped_.has_value();
}

int64_t TopData::window_ns() const {
  return target_metrics_.has_value() ? LengthNs(target_metrics_->snapshot.window()) : 0;
}

uint64_t TopData::lost_records() const {
  return target_metrics_.has_value() ? target_metrics_->snapshot.lost_records() : 0;
}

uint64_t TopData::unslotted_thread_count() const {
  return target_metrics_.has_value() ? target_metrics_->snapshot.unslotted_thread_count() : 0;
}

}  // namespace hftmon
