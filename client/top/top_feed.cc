#include "client/top/top_feed.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

#include "client/top/top_data.h"

namespace hftmon {
namespace {

constexpr int64_t kRetryNs = 1'000'000'000;
constexpr int64_t kSameDaemonNs =
    1'000'000'000;  // the reading of an uptime is that exact, and no daemon starts anew that fast with the same pid

std::string Trouble(const absl::Status& status) {
  const bool silent = status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded;
  return (silent ? "NO ANSWER, trying again: " : "REFUSED, trying again: ") + std::string(status.message());
}

}  // namespace

TopFeed::TopFeed(const Client& client, TopQuestion question, TopQueue* queue)
    : client_(client), question_(std::move(question)), queue_(queue) {}

TopFeed::~TopFeed() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& cancel : cancel_) {
      if (cancel) cancel();
    }
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status TopFeed::Start() {
  if (absl::Status met = Meet(); !met.ok()) return met;
  threads_.emplace_back([this] { Call(); });
  threads_.emplace_back([this] { FollowSpikes(); });
  threads_.emplace_back([this] { FollowMetrics(kTargetMetrics, false); });
  threads_.emplace_back([this] { FollowMetrics(kThreadMetrics, true); });
  return absl::OkStatus();
}

// Whether a daemon answers, and which; what is to be held is held anew, for a session ends with its daemon.
absl::Status TopFeed::Meet() {
  auto status = client_.GetStatus();
  if (!status.ok()) return status.status();
  if (absl::Status held = Hold(); !held.ok()) return held;
  const int64_t begin_ns = status->time().monotonic_ns() - status->daemon().uptime_ns();
  const int32_t pid = status->daemon().pid();
  queue_->Push(TopConnection{});
  queue_->Push(*std::move(status));
  const std::lock_guard lock(mutex_);
  const bool same = daemon_number_ > 0 && daemon_pid_ == pid && std::abs(begin_ns - daemon_begin_ns_) < kSameDaemonNs;
  if (!same) ++daemon_number_;
  daemon_pid_ = pid;
  daemon_begin_ns_ = begin_ns;
  connected_ = true;
  changed_.notify_all();
  return absl::OkStatus();
}

absl::Status TopFeed::Hold() {
  if (!question_.hold) return absl::OkStatus();
  v1::AttachRequest request;
  for (const int32_t pid : question_.pids) {
    // A question about a process that is no target is refused: so whose numbers these are is the daemon's business.
    v1::DetectSpikesRequest question;
    question.add_pids(pid);
    question.set_window_ns(1);
    question.set_max_spikes(1);
    const auto known = client_.DetectSpikes(question);
    if (!known.ok() && known.status().code() != absl::StatusCode::kNotFound) return known.status();
    if (!known.ok()) request.add_pids(pid);
  }
  return request.pids().empty() ? absl::OkStatus() : client_.Attach(request).status();
}

void TopFeed::Call() {
  for (bool more = true; more;) {
    bool connected = false;
    std::optional<TopSpike> look_again;
    {
      const std::lock_guard lock(mutex_);
      connected = connected_;
      look_again = std::exchange(look_again_, std::nullopt);
    }
    if (connected && look_again.has_value()) LookForSpike(*look_again);
    const absl::Status status = connected ? CallOnce() : Meet();
    if (!status.ok()) Lose(status);
    more = Pause(status.ok() ? question_.period_ns : kRetryNs);
  }
}

absl::Status TopFeed::CallOnce() {
  auto status = client_.GetStatus();
  if (!status.ok()) return status.status();
  queue_->Push(*std::move(status));
  auto targets = client_.ListTargets();
  if (!targets.ok()) return targets.status();
  queue_->Push(*std::move(targets));
  v1::QueryThreadsRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  request.set_window_ns(question_.period_ns);
  request.add_percentiles(50);
  auto threads = client_.QueryThreads(request);
  if (!threads.ok()) return threads.status();
  queue_->Push(*std::move(threads));
  return absl::OkStatus();
}

v1::DetectSpikesRequest TopFeed::PastRequest() const {
  v1::DetectSpikesRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  request.set_window_ns(kPastNs);
  request.set_threshold_ns(question_.threshold_ns);
  request.set_blocked_threshold_ns(question_.blocked_threshold_ns);
  request.set_max_spikes(static_cast<int32_t>(TopData::kSpikesMax));
  return request;
}

void TopFeed::LookForSpike(const TopSpike& spike) {
  if (spike.daemon_number != daemon_number()) return;
  const auto status = client_.GetStatus();
  if (!status.ok()) return;
  v1::DetectSpikesRequest request = PastRequest();
  const int64_t age_ns = status->time().monotonic_ns() - spike.spike.start_monotonic_ns();
  request.set_window_ns(std::max<int64_t>(age_ns, 0) + kPastNs);
  const auto answer = client_.DetectSpikes(request);
  if (!answer.ok()) return;  // an addition: what is known of the spike is shown
  for (const v1::Spike& found : answer->spikes()) {
    if (found.id() == spike.spike.id()) queue_->Push(TopSpike{spike.daemon_number, found, spike.time});
  }
}

void TopFeed::FollowSpikes() {
  v1::StreamSpikesRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  request.set_threshold_ns(question_.threshold_ns);
  request.set_blocked_threshold_ns(question_.blocked_threshold_ns);
  Follow<v1::StreamSpikesResponse>(
      kSpikes, [&] { return client_.StreamSpikes(request); },
      [this](const v1::StreamSpikesResponse& message) {
        // The first says that no later spike is missed, so what was before it can be asked for.
        if (!message.has_spike()) PushPast();
        queue_->Push(TopStreamLosses{message.dropped()});
        if (message.has_spike()) queue_->Push(TopSpike{daemon_number(), message.spike(), message.time()});
      });
}

void TopFeed::PushPast() {
  const auto past = client_.DetectSpikes(PastRequest());
  if (!past.ok()) return;  // the stream has what matters; that the daemon does not answer is found by the other calls
  for (const v1::Spike& spike : past->spikes()) {
    const v1::TimePair* time = &past->time();
    for (const v1::ClockEpoch& epoch : past->epochs()) {
      if (epoch.begin_monotonic_ns() <= spike.start_monotonic_ns() || &epoch == &past->epochs(0)) time = &epoch.time();
    }
    queue_->Push(TopSpike{daemon_number(), spike, *time});
  }
}

void TopFeed::FollowMetrics(Slot slot, bool per_thread) {
  v1::WatchMetricsRequest request;
  request.mutable_pids()->Add(question_.pids.begin(), question_.pids.end());
  for (const char* metric : kTopMetrics) request.add_metrics(metric);
  request.set_period_ns(question_.period_ns);
  request.set_per_thread(per_thread);
  Follow<v1::WatchMetricsResponse>(
      slot, [&] { return client_.WatchMetrics(request); },
      [this, per_thread](const v1::WatchMetricsResponse& snapshot) {
        queue_->Push(TopMetrics{snapshot, per_thread});
      });
}

template <typename Message>
void TopFeed::Follow(Slot slot, const std::function<std::unique_ptr<Stream<Message>>()>& open,
                     const std::function<void(const Message&)>& on_message) {
  while (AwaitDaemon()) {
    const std::unique_ptr<Stream<Message>> stream = open();
    {
      const std::lock_guard lock(mutex_);
      cancel_[slot] = [&stream] { stream->Cancel(); };
      if (stopped_) stream->Cancel();
    }
    Message message;
    while (stream->Read(&message)) on_message(message);
    const absl::Status end = stream->Finish();
    {
      const std::lock_guard lock(mutex_);
      cancel_[slot] = nullptr;
      if (stopped_) return;
    }
    Lose(end.ok() ? absl::UnavailableError("hftmond ended the stream") : end);
    if (!Pause(kRetryNs)) return;
  }
}

void TopFeed::Lose(const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    connected_ = false;
  }
  queue_->Push(TopConnection{Trouble(status)});
}

bool TopFeed::AwaitDaemon() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || connected_; });
  return !stopped_;
}

bool TopFeed::Pause(int64_t duration_ns) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::nanoseconds(duration_ns), [this] { return stopped_ || (connected_ && look_again_.has_value()); });
  return !stopped_;
}

void TopFeed::LookAgain(const TopSpike& spike) {
  const std::lock_guard lock(mutex_);
  look_again_ = spike;
  changed_.notify_all();
}

uint32_t TopFeed::daemon_number() {
  const std::lock_guard lock(mutex_);
  return daemon_number_;
}

}  // namespace hftmon
