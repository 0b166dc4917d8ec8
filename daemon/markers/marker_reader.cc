#include "daemon/markers/marker_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <utility>

namespace hftmon {
namespace {

// Where nothing can end a wait.
constexpr int64_t kUnwokenWaitNs = 50'000'000;
// Names that came and are still to be looked at; of more the next list tells.
constexpr size_t kUnlookedAtMax = 4'096;
// Names that are counted as refused beyond those that are listed.
constexpr size_t kUnlistedMax = 4'096;

void AddCounts(const MarkerRingFile::Counts& from, MarkerRingFile::Counts* to) {
  to->delivered_count += from.delivered_count;
  to->overwritten_count += from.overwritten_count;
  for (size_t i = 0; i < kMarkerFaults; ++i) to->faults.counts[i] += from.faults.counts[i];
}

// Nobody has the number, or a zombie, which has no program any more. A look that fails for another reason (no descriptor is left here) is
// no proof.
bool IsGone(uint32_t pid) {
  if (kill(static_cast<pid_t>(pid), 0) != 0) return errno == ESRCH;
  char target[1];
  return readlink(fmt::format("/proc/{}/exe", pid).c_str(), target, sizeof(target)) < 0 && errno == ENOENT;
}

// Relaxed: it orders nothing.
bool IsTold(const std::atomic<bool>* stop) {
  return stop != nullptr && stop->load(std::memory_order_relaxed);
}

}  // namespace

MarkerReader::MarkerReader(const Wiring& wiring, const Options& options)
    : wiring_(wiring), options_(options), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

MarkerReader::~MarkerReader() {
  for (auto at = entries_.begin(); at != entries_.end();) at = Leave(at, absl::CancelledError("the reader ends"));
  if (wake_fd_ >= 0) close(wake_fd_);
}

void MarkerReader::Rescan() {
  // Relaxed: what is to be seen by then was published by the directory, and by the targets' own bits.
  rescan_.store(true, std::memory_order_relaxed);
  const uint64_t one = 1;
  // It fails where the reader is told already.
  if (wake_fd_ >= 0) static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
}

MarkerReader::Status MarkerReader::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void MarkerReader::Run(const std::atomic<bool>& stop) {
  while (!IsTold(&stop)) Wait(RunOnce(&stop));
}

void MarkerReader::Wait(bool more) {
  if (more) return;
  int64_t wait_ns = wake_fd_ >= 0 ? options_.idle_interval_ns : std::min(options_.idle_interval_ns, kUnwokenWaitNs);
  if (!entries_.empty() || look_soon_) wait_ns = is_busy_ ? options_.busy_interval_ns : options_.poll_interval_ns;
  // Names that come and go wait for the next look; a negative descriptor is ignored.
  const int64_t look_wait_ns = next_look_ns_ - wiring_.clocks->MonotonicNs();
  if (look_wait_ns > 0) wait_ns = std::min(wait_ns, look_wait_ns);
  if (!unlooked_at_.empty()) wait_ns = std::min(wait_ns, options_.look_interval_ns);
  pollfd woken[] = {{.fd = look_wait_ns > 0 ? -1 : wiring_.finder->fd(), .events = POLLIN, .revents = 0},
                    {.fd = wake_fd_, .events = POLLIN, .revents = 0}};
  const timespec timeout = {.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
  // An interrupted wait is a shorter one.
  static_cast<void>(ppoll(woken, std::size(woken), &timeout, nullptr));
  uint64_t told = 0;
  if (woken[1].revents != 0) static_cast<void>(!read(wake_fd_, &told, sizeof(told)));
}

bool MarkerReader::RunOnce(const std::atomic<bool>* stop) {
  const int64_t now_ns = wiring_.clocks->MonotonicNs();
  LeaveUnbelieved();
  FindFiles(now_ns);
  LookForLife(now_ns);
  const bool more = DrainAll(stop);
  if (now_ns >= next_life_ns_ && !life_is_unfinished_) {
    next_life_ns_ = now_ns + options_.life_interval_ns;
    Publish();
  }
  look_soon_ = wiring_.sinks->EndTurn();
  return more;
}

void MarkerReader::FindFiles(int64_t now_ns) {
  // Relaxed: what the caller of Rescan changed is behind a lock of its own (MarkerSinks::Wants).
  const bool rescan = rescan_.exchange(false, std::memory_order_relaxed);
  if (rescan || now_ns >= next_look_ns_) LookAtChanges(now_ns);
  if (!rescan && now_ns < next_list_ns_) return;
  next_list_ns_ = now_ns + options_.rescan_interval_ns;
  ListAll();
}

// Whoever makes names all day is looked at no faster: what found no place is looked at in a later turn, or found by the next list.
void MarkerReader::LookAtChanges(int64_t now_ns) {
  const MarkerRingFinder::Changes changes = wiring_.finder->Poll();
  if (!changes.came.empty() || !changes.gone.empty() || changes.missed) next_look_ns_ = now_ns + options_.look_interval_ns;
  for (const MarkerRingName& name : changes.gone) {
    Forgive(name);
    left_behind_.erase(name);
    const auto entry = entries_.find(name);
    // Closed by its program, most likely.
    if (entry != entries_.end() && !entry->second.file->IsNamed()) BeginToFinish(&entry->second);
  }
  for (const MarkerRingName& name : changes.came) {
    if (unlooked_at_.size() < kUnlookedAtMax) unlooked_at_.insert(name);
  }
  size_t looks = options_.looks_max;
  for (auto name = unlooked_at_.begin(); name != unlooked_at_.end() && looks > 0;) {
    const MarkerRingName next = *name;
    const auto entry = entries_.find(next);
    if (entry != entries_.end() && entry->second.finishing) {  // the one that had the name before is not read to its end yet
      ++name;
      continue;
    }
    name = unlooked_at_.erase(name);
    if (!wiring_.sinks->Wants(next.pid)) continue;
    Consider(next);
    --looks;
  }
}

// The directory is anybody's to fill: at most looks_max files that are wanted and as many that are not are looked at; the next list begins
// behind them.
void MarkerReader::ListAll() {
  unlisted_refusals_.clear();
  refusals_.clear();
  for (auto& [name, entry] : entries_) {
    if (!entry.file->IsNamed()) BeginToFinish(&entry);
  }
  const absl::StatusOr<std::vector<MarkerRingName>> listed = wiring_.finder->List();
  if (!listed.ok()) {
    Refuse({}, listed.status());
    return;
  }
  std::vector<MarkerRingName> names = *listed;
  std::rotate(names.begin(), std::upper_bound(names.begin(), names.end(), last_looked_at_), names.end());
  std::vector<MarkerRingName> strangers;
  size_t looks = options_.looks_max;
  for (const MarkerRingName& name : names) {
    const auto entry = entries_.find(name);
    if (entry != entries_.end() && !entry->second.finishing) continue;
    if (!wiring_.sinks->Wants(name.pid)) {
      strangers.push_back(name);
    } else if (looks > 0) {
      --looks;
      last_looked_at_ = name;
      Consider(name);
    }
  }
  std::sort(names.begin(), names.end());
  std::erase_if(left_behind_, [&](const MarkerRingName& name) { return !std::binary_search(names.begin(), names.end(), name); });
  std::sort(strangers.begin(), strangers.end());
  CountLeftBehind(strangers);
}

void MarkerReader::CountLeftBehind(const std::vector<MarkerRingName>& strangers) {
  auto next = std::upper_bound(strangers.begin(), strangers.end(), last_stranger_);
  for (size_t looks = std::min(options_.looks_max, strangers.size()); looks > 0; --looks) {
    if (next == strangers.end()) next = strangers.begin();
    last_stranger_ = *next++;
    if (absl::IsNotFound(wiring_.processes->Find(last_stranger_.pid).status())) {
      left_behind_.insert(last_stranger_);
    } else {
      left_behind_.erase(last_stranger_);
    }
  }
}

void MarkerReader::Consider(const MarkerRingName& name) {
  if (const auto entry = entries_.find(name); entry != entries_.end()) {
    if (!entry->second.finishing && entry->second.file->IsNamed()) return;
    BeginToFinish(&entry->second);
    if (unlooked_at_.size() < kUnlookedAtMax) unlooked_at_.insert(name);  // when that is done
    return;
  }
  if (const absl::Status why = wiring_.sinks->WhyNotBelieved(); !why.ok()) return Refuse(name, why);
  const absl::StatusOr<MarkerProcess> process = wiring_.processes->Find(name.pid);
  if (absl::IsNotFound(process.status())) {
    left_behind_.insert(name);
    return;
  }
  if (!process.ok()) return Refuse(name, process.status());
  if (entries_.size() >= options_.files_max) {
    return Refuse(name, absl::ResourceExhaustedError(fmt::format("{} marker files are read already", options_.files_max)));
  }
  const absl::StatusOr<OpenMarkerFile> opened = OpenMarkerFileOf(wiring_.finder->directory(), name, *process);
  if (!opened.ok()) return Refuse(name, opened.status());
  Entry entry;
  entry.sink = wiring_.sinks->Begin(name, opened->header);
  entry.file =
      std::make_unique<MarkerRingFile>(*opened, name, wiring_.clocks, entry.sink, Recall(name, process->start_ticks, opened->identity));
  entry.start_ticks = process->start_ticks;
  Forgive(name);
  left_behind_.erase(name);
  entries_.emplace(name, std::move(entry));
}

void MarkerReader::Refuse(const MarkerRingName& name, absl::Status why) {
  if (absl::IsNotFound(why)) return;  // gone meanwhile
  const auto known = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& refusal) { return refusal.name == name; });
  if (known != refusals_.end()) {
    known->why = std::move(why);
  } else if (refusals_.size() < options_.refusals_max) {
    refusals_.push_back({.name = name, .why = std::move(why)});
  } else if (unlisted_refusals_.size() < kUnlistedMax) {
    unlisted_refusals_.insert(name);
  }
}

void MarkerReader::Forgive(const MarkerRingName& name) {
  std::erase_if(refusals_, [&](const Refusal& refusal) { return refusal.name == name; });
  unlisted_refusals_.erase(name);
}

void MarkerReader::LeaveUnbelieved() {
  if (entries_.empty()) return;
  const absl::Status why = wiring_.sinks->WhyNotBelieved();
  if (why.ok()) return;
  for (auto at = entries_.begin(); at != entries_.end();) at = Leave(at, why);
}

bool MarkerReader::DrainAll(const std::atomic<bool>* stop) {
  bool more = false;
  is_busy_ = false;
  for (auto at = entries_.begin(); at != entries_.end() && !IsTold(stop);) at = DrainOne(at, &more);
  return more;
}

MarkerReader::Entries::iterator MarkerReader::DrainOne(Entries::iterator at, bool* more) {
  Entry& entry = at->second;
  uint64_t records_max = options_.turn_records_max;
  if (entry.finishing) records_max = std::min(records_max, entry.last_records_max);
  absl::StatusOr<MarkerRingFile::Drained> drained = entry.file->Drain(records_max, &buffers_);
  // What does not fit is given a second drain, of a file that nobody writes any more at once.
  if (entry.finishing && drained.ok() && !drained->more) drained = entry.file->Drain(records_max - drained->record_count, &buffers_);
  if (!drained.ok()) return Leave(at, drained.status());
  is_busy_ |= drained->busy;
  *more |= drained->more;
  if (!entry.finishing) return std::next(at);
  entry.last_records_max -= records_max;
  if (drained->more && entry.last_records_max > 0) return std::next(at);
  if (options_.removes_left_behind && entry.program_is_gone && !entry.file->HasOwner() && IsGone(at->first.pid)) {
    entry.file->Remove(wiring_.finder->directory());
  }
  return Leave(at, absl::OkStatus());
}

// What the kernel cannot tell is no proof that it is gone.
bool MarkerReader::IsAlive(const Entry& entry) const {
  if (!entry.file->HasOwner()) return false;
  const absl::StatusOr<MarkerProcess> process = wiring_.processes->Find(entry.file->name().pid);
  if (!process.ok()) return !absl::IsNotFound(process.status());
  return process->start_ticks == entry.start_ticks;
}

void MarkerReader::LookForLife(int64_t now_ns) {
  if (now_ns < next_life_ns_ && !life_is_unfinished_) return;
  auto at = life_is_unfinished_ ? entries_.upper_bound(last_life_) : entries_.begin();
  for (size_t looks = options_.lives_max; at != entries_.end() && looks > 0; --looks) {
    last_life_ = at->first;
    at = LookForLifeOf(at);
  }
  life_is_unfinished_ = at != entries_.end();
}

MarkerReader::Entries::iterator MarkerReader::LookForLifeOf(Entries::iterator at) {
  Entry& entry = at->second;
  if (entry.finishing && entry.program_is_gone) return std::next(at);
  // First: nobody wants a process that has ended, and what it left is still its.
  if (!IsAlive(entry)) {
    BeginToFinish(&entry);
    entry.program_is_gone = true;
  } else if (!entry.finishing && !wiring_.sinks->Wants(at->first.pid)) {
    Remember(at->first, entry);
    return Leave(at, absl::CancelledError("nobody wants its marks any more"));
  }
  return std::next(at);
}

void MarkerReader::BeginToFinish(Entry* entry) const {
  if (entry->finishing) return;
  entry->finishing = true;
  const hft_marker_header& header = entry->file->header();
  entry->last_records_max = uint64_t{header.thread_max} * header.record_max;
}

MarkerReader::Entries::iterator MarkerReader::Leave(Entries::iterator at, const absl::Status& why) {
  const MarkerRingName name = at->first;
  const Entry entry = std::move(at->second);
  const auto next = entries_.erase(at);
  AddCounts(entry.file->counts(), &ended_);
  if (!why.ok() && !absl::IsCancelled(why)) Refuse(name, why);
  wiring_.sinks->End(name, entry.sink, entry.file->counts(), why);
  return next;
}

void MarkerReader::Remember(const MarkerRingName& name, const Entry& entry) {
  if (options_.positions_max == 0) return;
  if (remembered_.size() == options_.positions_max) remembered_.pop_front();
  remembered_.push_back(
      {.name = name, .start_ticks = entry.start_ticks, .identity = entry.file->identity(), .positions = entry.file->positions()});
}

// Where an earlier reading of this very file stopped; empty: there was none.
std::vector<MarkerRingPosition> MarkerReader::Recall(const MarkerRingName& name, uint64_t start_ticks, const MarkerFileIdentity& identity) {
  const auto found = std::find_if(remembered_.begin(), remembered_.end(), [&](const Remembered& one) {
    return one.name == name && one.start_ticks == start_ticks && one.identity == identity;
  });
  if (found == remembered_.end()) return {};
  std::vector<MarkerRingPosition> positions = std::move(found->positions);
  remembered_.erase(found);
  return positions;
}

void MarkerReader::Publish() {
  Status status;
  for (const auto& [name, entry] : entries_) status.files.push_back({.name = name, .counts = entry.file->counts()});
  status.refusals = refusals_;
  status.unlisted_refusal_count = unlisted_refusals_.size();
  status.left_behind_count = left_behind_.size();
  status.ended = ended_;
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

}  // namespace hftmon
