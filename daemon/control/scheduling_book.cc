#include "daemon/control/scheduling_book.h"

#include <algorithm>
#include <utility>

#include "daemon/os/cpu_topology.h"
#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

template <typename Word>
Word Load(const Word& word) {
  return LoadRelaxed(const_cast<Word&>(word));
}

}  // namespace

void SchedulingBook::BeginRound(int64_t now_ns) {
  round_begin_ns_ = now_ns;
  next_ = 1;  // slot 0 is never given out
  round_end_ = static_cast<uint32_t>(std::min<size_t>(slots_.size(), size_t{high_water_()} + 1));
}

void SchedulingBook::Turn() {
  const int64_t now_ns = clock_->NowNs();
  if (next_ >= round_end_ && (round_begin_ns_ == 0 || now_ns - round_begin_ns_ >= kRoundNs)) BeginRound(now_ns);
  if (next_ >= round_end_) return;
  // The share of the round that has passed, the coming turn's included, so that a round is done within its second.
  const int64_t passed_ns = std::min(now_ns - round_begin_ns_ + kTurnNs, kRoundNs);
  const auto due = static_cast<uint32_t>(1 + (int64_t{round_end_} - 1) * passed_ns / kRoundNs);
  uint32_t read_count = 0;
  while (next_ < due && read_count < kReadsPerTurn) read_count += Look(next_++) ? 1 : 0;
}

bool SchedulingBook::Look(uint32_t slot) {
  const hft_thread_slot& words = slots_[slot];
  // Acquire: pairs with the release of whoever made the slot live, so its identity is whole.
  if (LoadAcquire(const_cast<__u32&>(words.state)) != HFT_SLOT_LIVE) return false;
  const uint32_t generation = Load(words.generation);
  const ThreadKey thread{.tid = Load(words.tid), .tgid = Load(words.tgid), .start_ns = static_cast<int64_t>(Load(words.start_ns))};
  if (Load(words.state) != HFT_SLOT_LIVE || Load(words.generation) != generation) return false;
  // Looked at in /proc, a thread has an entry there to remove when it ends: who was born under watch is left alone for a round.
  const bool born = Load(words.base_voluntary_count) == 0 && Load(words.base_involuntary_count) == 0 && Load(words.base_run_delay_ns) == 0;
  const bool is_new = seen_generation_[slot] != generation;
  seen_generation_[slot] = generation;
  if (born && is_new) return false;
  const auto now = ReadThreadScheduling(*files_, *queries_, thread.tgid, thread.tid, thread.start_ns);
  // One that has ended keeps what was seen of it. What cannot be read stays as it was seen last, with the time of that look.
  if (now.ok()) Note(slot, thread, *now, clock_->NowNs());
  return true;
}

void SchedulingBook::Note(uint32_t slot, const ThreadKey& thread, const ScheduledNow& now, int64_t now_ns) {
  std::lock_guard lock(mutex_);
  const auto [place, is_new] = entries_.try_emplace(slot);
  Entry& entry = place->second;
  if (!is_new && entry.thread == thread) {
    if (!(entry.seen.scheduling == now.scheduling)) {
      changes_.push_back({.thread = thread,
                          .after_mono_ns = entry.seen.read_mono_ns,
                          .before_mono_ns = now_ns,
                          .from = entry.seen.scheduling,
                          .to = now.scheduling});
      if (changes_.size() > kChangesMax) {
        forgotten_mono_ns_ = changes_.front().before_mono_ns;
        changes_.pop_front();
      }
    }
  } else {
    if (const auto old = slot_of_.find(entry.thread.tid); !is_new && old != slot_of_.end() && old->second == slot) slot_of_.erase(old);
    entry.thread = thread;
    slot_of_[thread.tid] = slot;
  }
  entry.seen = {.scheduling = now.scheduling, .cpu = now.cpu, .read_mono_ns = now_ns};
}

std::optional<SeenScheduling> SchedulingBook::Find(const ThreadKey& thread) const {
  std::lock_guard lock(mutex_);
  const auto slot = slot_of_.find(thread.tid);
  if (slot == slot_of_.end()) return std::nullopt;
  const auto entry = entries_.find(slot->second);
  if (entry == entries_.end() || !(entry->second.thread == thread)) return std::nullopt;
  return entry->second.seen;
}

SchedulingChanges SchedulingBook::ChangesWithin(int64_t begin_mono_ns, int64_t end_mono_ns) const {
  std::lock_guard lock(mutex_);
  SchedulingChanges found{.changes = {}, .incomplete = forgotten_mono_ns_ > begin_mono_ns};
  for (const SchedulingChange& change : changes_) {
    if (change.before_mono_ns >= begin_mono_ns && change.before_mono_ns < end_mono_ns) found.changes.push_back(change);
  }
  return found;
}

KeptFreeCpus SchedulingBook::KeptFree() const {
  const auto isolated = ReadIsolatedCpus(*files_);
  const auto nohz_full = ReadNohzFullCpus(*files_);
  return {.isolated = isolated.value_or(std::vector<int>()), .nohz_full = nohz_full.value_or(std::vector<int>())};
}

}  // namespace hftmon
