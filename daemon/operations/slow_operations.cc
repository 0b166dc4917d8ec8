#include "daemon/operations/slow_operations.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "daemon/operations/operation_budget.h"

namespace hftmon {
namespace {

// Of a threshold: what a stall below it takes is no cause worth telling.
constexpr int64_t kFixedFloorShare = 32;
constexpr int64_t kAdaptiveFloorShare = 16;
// A record that is written while the loop looks comes with the next look.
constexpr int64_t kRecordWayNs = 1'000'000;

// Of a file: it has no more rings.
constexpr size_t kThreadsMax = 256;

// Around a span: more than lies between two samples of its thread.
constexpr int64_t kAroundNs = 50'000'000;

// Stalls that spans are compared with in one turn: some milliseconds.
constexpr size_t kVisitedPerTurnMax = 50'000;

constexpr int64_t kSecondNs = 1'000'000'000;

}  // namespace

class SlowOperations::File final : public SpanFile {
 public:
  File(SlowOperations* owner, uint64_t id, const MarkerRingName& name) : spans(name), owner_(owner), id_(id) {}

  void OnOperation(uint32_t operation, std::string_view name) override { spans.OnOperation(operation, name); }
  void End() override { spans.ended = true; }
  uint64_t id() const override { return id_; }

  void OnSpan(const OperationSpan& span) override {
    if (span.tid != followed_tid) owner_->Follow(span.tid, this);
    const size_t before = spans.pending()->size();
    spans.OnSpan(span, owner_->parts_.ticks());
    if (spans.pending()->size() == before) return;
    owner_->Identify(*this, &spans.pending()->back());  // now: a thread that ends is soon forgotten
  }

  FileSpans spans;
  std::unordered_map<uint32_t, WatchedThread> threads;  // that marked, as they were when they were looked up last
  uint32_t followed_tid = 0;                            // whose short stalls are looked at since a moment ago
  int64_t told_since_mono_ns = 0;
  uint32_t told_count = 0;  // since then

 private:
  SlowOperations* const owner_;
  const uint64_t id_;
};

std::shared_ptr<SpanFile> SlowOperations::Begin(const MarkerRingName& name) {
  auto file = std::make_shared<File>(this, ++last_file_id_, name);
  files_.push_back(file);
  wishes_read_mono_ns_ = INT64_MIN;  // its stalls are wanted from the next turn on
  return file;
}

void SlowOperations::Identify(const File& file, FileSpans::Pending* pending) const {
  std::optional<WatchedThread> thread = parts_.thread_of(file.spans.name().pid, pending->span.tid);
  // One that has just ended is known by what it marked before.
  if (const auto known = file.threads.find(pending->span.tid); !thread && known != file.threads.end()) thread = known->second;
  if (!thread) return;
  pending->thread = thread->key;
  pending->slot = thread->slot;
}

void SlowOperations::Follow(uint32_t tid, File* file) {
  file->followed_tid = tid;
  const std::optional<WatchedThread> thread = parts_.thread_of(file->spans.name().pid, tid);
  if (!thread) return;
  if (file->threads.size() < kThreadsMax || file->threads.contains(tid)) file->threads.insert_or_assign(tid, *thread);
  short_stalls_.Follow(thread->key, thread->slot, now_ns_);
}

bool SlowOperations::EndTurn() {
  now_ns_ = parts_.clock->NowNs();
  if (wishes_read_mono_ns_ == INT64_MIN || now_ns_ - wishes_read_mono_ns_ >= kWishesIntervalNs) {
    wishes_read_mono_ns_ = now_ns_;
    RefreshWishes();
    Publish();
  }
  short_stalls_.Sample(now_ns_);
  if (compared_mono_ns_ == INT64_MIN || now_ns_ - compared_mono_ns_ >= kCompareIntervalNs) {
    compared_mono_ns_ = now_ns_;
    Compare(now_ns_);
  }
  const bool waits = HasPending();
  const auto is_over = [](const std::shared_ptr<File>& file) { return file->spans.ended && file->spans.pending()->empty(); };
  if (std::any_of(files_.begin(), files_.end(), is_over)) Publish();
  std::erase_if(files_, is_over);
  return waits;
}

bool SlowOperations::HasPending() const {
  return std::any_of(files_.begin(), files_.end(), [](const std::shared_ptr<File>& file) { return !file->spans.pending()->empty(); });
}

int64_t SlowOperations::StallFloorOf(const FileSpans& file, const OperationWish& wish) const {
  if (wish.operation_threshold_ns > 0) return std::max(wish.operation_threshold_ns / kFixedFloorShare, kStallFloorMinNs);
  const int64_t lowest_ns = file.lowest_threshold_ns();
  if (lowest_ns == INT64_MAX) return wish.spike_threshold_ns;
  // In powers of two, so that it stands still while thresholds move a little.
  const auto floor_ns = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(lowest_ns / kAdaptiveFloorShare)));
  return std::min(std::max(floor_ns, kAdaptiveStallFloorMinNs), wish.spike_threshold_ns);
}

void SlowOperations::RefreshWishes() {
  if (!files_.empty()) {
    if (std::optional<std::vector<OperationWish>> wishes = parts_.wishes()) wishes_ = *std::move(wishes);
  }
  const auto wish_of = [this](uint32_t pid) {
    const auto found = std::find_if(wishes_.begin(), wishes_.end(), [pid](const OperationWish& wish) { return wish.pid == pid; });
    return found == wishes_.end() ? nullptr : &*found;
  };
  int64_t floor_ns = kNoStallFloorNs;
  for (const std::shared_ptr<File>& file : files_) {
    const OperationWish* wish = wish_of(file->spans.name().pid);
    if (wish != nullptr && !file->spans.ended) floor_ns = std::min(floor_ns, StallFloorOf(file->spans, *wish));
    // What waits for its stalls has them to the end.
    if (!file->spans.pending()->empty()) floor_ns = std::min(floor_ns, stall_floor_ns_);
  }
  // A stack for each short stall would cost its thread more than the stall, and push out those of spikes.
  for (const OperationWish& wish : wishes_) {
    if (wish.stacks && floor_ns != kNoStallFloorNs) floor_ns = std::max(floor_ns, wish.spike_threshold_ns);
  }
  if (floor_ns != stall_floor_ns_) parts_.want_stalls(floor_ns);
  stall_floor_ns_ = floor_ns;
  for (const std::shared_ptr<File>& file : files_) {
    file->followed_tid = 0;  // asked for again
    if (const OperationWish* wish = wish_of(file->spans.name().pid)) file->spans.SetWishes(wish->operation_threshold_ns, floor_ns);
  }
}

void SlowOperations::Compare(int64_t now_ns) {
  const int64_t known_until_ns = parts_.caught_up_mono_ns() - parts_.hold_ns - kRecordWayNs;
  const auto is_ready = [&](const FileSpans::Pending& pending) {
    return pending.end_mono_ns() <= known_until_ns || pending.end_mono_ns() <= now_ns - kPatienceMaxNs;
  };
  StallIndex index;
  size_t visited_count = 0;  // stalls
  int64_t since_ns = INT64_MAX;
  for (const std::shared_ptr<File>& file : files_) {
    for (FileSpans::Pending& pending : *file->spans.pending()) {
      if (!is_ready(pending)) continue;
      // What was marked before its process was attached is read before its threads are known.
      if (!pending.thread) Identify(*file, &pending);
      if (!pending.thread) continue;
      index.Want(*pending.thread);
      since_ns = std::min(since_ns, pending.start_mono_ns - kAroundNs);
    }
  }
  if (since_ns != INT64_MAX) index.Gather(*parts_.stalls, since_ns);
  for (const std::shared_ptr<File>& file : files_) {
    std::vector<FileSpans::Pending> later;
    for (const FileSpans::Pending& pending : *file->spans.pending()) {
      // The rest has its turn a little later: marks are to be read meanwhile.
      if (!is_ready(pending) || visited_count > kVisitedPerTurnMax) {
        later.push_back(pending);
        continue;
      }
      visited_count += CompareSpan(pending, index, pending.end_mono_ns() > known_until_ns, file.get());
    }
    file->spans.pending()->swap(later);
  }
}

size_t SlowOperations::CompareSpan(const FileSpans::Pending& pending, const StallIndex& index, bool overdue, File* file) {
  OperationSlowness& slowness = file->spans.operation(pending.span.operation)->slowness;
  if (!pending.thread) {
    ++slowness.uncompared_count;
    slowness.untold_count += pending.slow ? 1 : 0;
    return 0;
  }
  const std::vector<const Stall*> stalls = OuterStallsWithin(index.Of(*pending.thread, pending.start_mono_ns, pending.end_mono_ns()),
                                                             pending.start_mono_ns, pending.end_mono_ns());
  std::array<bool, kStallKinds> hit{};
  for (const Stall* stall : stalls) {
    const auto kind = static_cast<size_t>(stall->kind);
    if (kind >= kStallKinds) continue;
    OperationHits& hits = slowness.hits[kind];
    hits.span_count += hit[kind] ? 0 : 1;
    hit[kind] = true;
    ++hits.stall_count;
    hits.duration_ns += stall->duration_ns;
    hits.longest_ns = std::max(hits.longest_ns, stall->duration_ns);
  }
  const bool whole = !overdue && pending.start_mono_ns >= index.complete_since_mono_ns() &&
                     parts_.seen_whole(pending.start_mono_ns, pending.end_mono_ns());
  const int64_t floor_ns = whole ? parts_.stall_floor_since(pending.start_mono_ns) : kNoStallFloorNs;
  if (floor_ns == kNoStallFloorNs) ++slowness.uncompared_count;
  if (!pending.slow) return 1 + stalls.size();
  const bool told = MayTell(file) && parts_.tell(SpikeOf(pending, index, stalls, floor_ns == kNoStallFloorNs ? -1 : floor_ns, file->spans));
  ++(told ? slowness.spike_count : slowness.untold_count);
  return 1 + stalls.size();
}

Spike SlowOperations::SpikeOf(const FileSpans::Pending& pending, const StallIndex& index, std::span<const Stall* const> stalls,
                              int64_t floor_ns, const FileSpans& file) {
  Spike spike{};
  spike.kind = pending.span.heartbeat ? SpikeKind::kGap : SpikeKind::kOperation;
  spike.thread = *pending.thread;
  spike.slot = pending.slot;
  spike.start_mono_ns = pending.start_mono_ns;
  spike.duration_ns = pending.span.duration_ns;
  spike.record_mono_ns = pending.end_mono_ns();
  spike.mark = {.known = true,
                .error = pending.span.error,
                .threshold_adaptive = pending.adaptive,
                .file_number = file.name().number,
                .value = pending.span.value,
                .threshold_ns = pending.threshold_ns,
                .usual_ns = pending.usual_ns,
                .floor_ns = floor_ns};
  const std::string& name = file.operations()[pending.span.operation]->name;
  spike.mark.name_bytes = static_cast<uint8_t>(std::min(name.size(), SpikeMark::kNameBytes));
  std::memcpy(spike.mark.name, name.data(), spike.mark.name_bytes);
  const auto short_stalls = [&](int64_t limit_ns) {
    const int64_t begin_ns = pending.start_mono_ns;
    const int64_t end_ns = pending.end_mono_ns();
    const ShortStalls::Track track = {.file = file.name().number, .operation = pending.span.operation, .heartbeat = pending.span.heartbeat};
    return short_stalls_.Take(*pending.thread, track, begin_ns, end_ns, index.Of(*pending.thread, begin_ns - kAroundNs, end_ns + kAroundNs),
                              floor_ns, limit_ns);
  };
  FillOperationBudget(stalls, floor_ns < 0 ? ShortStallsOf() : short_stalls, &spike);
  return spike;
}

bool SlowOperations::MayTell(File* file) const {
  if (now_ns_ - file->told_since_mono_ns >= kSecondNs) {
    file->told_since_mono_ns = now_ns_;
    file->told_count = 0;
  }
  if (file->told_count >= kToldPerSecondMax) return false;
  ++file->told_count;
  return true;
}

void SlowOperations::Publish() {
  const std::lock_guard lock(mutex_);
  for (const std::shared_ptr<File>& file : files_) {
    auto place = std::find_if(published_.begin(), published_.end(), [&](const auto& other) { return other.first == file->id(); });
    if (place == published_.end()) place = published_.emplace(published_.end(), file->id(), std::vector<OperationSlowness>());
    place->second.clear();
    for (const auto& operation : file->spans.operations()) {
      place->second.push_back(operation == nullptr ? OperationSlowness() : operation->slowness);
    }
  }
  const auto is_read = [this](const auto& known) {
    return std::any_of(files_.begin(), files_.end(), [&](const std::shared_ptr<File>& file) { return file->id() == known.first; });
  };
  while (published_.size() > files_.size() + kEndedMax) {
    published_.erase(std::find_if_not(published_.begin(), published_.end(), is_read));
  }
}

std::vector<OperationSlowness> SlowOperations::SlownessOf(uint64_t file_id) const {
  const std::lock_guard lock(mutex_);
  const auto place = std::find_if(published_.begin(), published_.end(), [&](const auto& other) { return other.first == file_id; });
  return place == published_.end() ? std::vector<OperationSlowness>() : place->second;
}

}  // namespace hftmon
