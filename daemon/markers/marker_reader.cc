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
#include <optional>
#include <set>
#include <utility>

namespace hftmon {
namespace {

// Of a file whose program is gone: what a full file holds, and an end to it where the file still changes.
constexpr int kLastTurnsMax = 1024;
// Where nothing can end a wait.
constexpr int64_t kUnwokenWaitNs = 50'000'000;
// Files that are looked at in a turn; each takes some 60 microseconds.
constexpr size_t kLooksMax = 512;

void AddCounts(const MarkerRingFile::Counts& from, MarkerRingFile::Counts* to) {
  to->delivered_count += from.delivered_count;
  to->dropped_count += from.dropped_count;
  for (size_t i = 0; i < kMarkerFaults; ++i) to->faults.counts[i] += from.faults.counts[i];
}

// Nobody has the number, or a zombie, which has no program any more. A look that fails for another reason (no descriptor is left here) is
// no proof.
bool IsGone(uint32_t pid) {
  if (kill(static_cast<pid_t>(pid), 0) != 0) return errno == ESRCH;
  char target[1];
  return readlink(fmt::format("/proc/{}/exe", pid).c_str(), target, sizeof(target)) < 0 && errno == ENOENT;
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
  // Relaxed: it orders nothing.
  while (!stop.load(std::memory_order_relaxed)) Wait(RunOnce());
}

void MarkerReader::Wait(bool more) const {
  if (more) return;
  const int64_t idle_ns = wake_fd_ >= 0 ? options_.idle_interval_ns : std::min(options_.idle_interval_ns, kUnwokenWaitNs);
  const int64_t wait_ns = entries_.empty() && !look_soon_ ? idle_ns : options_.poll_interval_ns;
  // A negative descriptor is ignored.
  pollfd woken[] = {{.fd = wiring_.finder->fd(), .events = POLLIN, .revents = 0}, {.fd = wake_fd_, .events = POLLIN, .revents = 0}};
  const timespec timeout = {.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
  // An interrupted wait is a shorter one.
  static_cast<void>(ppoll(woken, std::size(woken), &timeout, nullptr));
  uint64_t told = 0;
  if (woken[1].revents != 0) static_cast<void>(!read(wake_fd_, &told, sizeof(told)));
}

bool MarkerReader::RunOnce() {
  const int64_t now_ns = wiring_.clocks->MonotonicNs();
  FindFiles(now_ns);
  const bool more = DrainAll();
  if (now_ns >= next_life_ns_) {
    next_life_ns_ = now_ns + options_.life_interval_ns;
    LookForLife();
    Publish();
  }
  look_soon_ = wiring_.sinks->EndTurn();
  return more;
}

void MarkerReader::FindFiles(int64_t now_ns) {
  const MarkerRingFinder::Changes changes = wiring_.finder->Poll();
  for (const MarkerRingName& name : changes.gone) {
    std::erase_if(refusals_, [&](const Refusal& refusal) { return refusal.name == name; });
    if (entries_.contains(name)) next_life_ns_ = now_ns;  // closed by its program, most likely
  }
  // Whoever renames files all day is looked at no faster: what is left out is found by the next list.
  const std::set<MarkerRingName> came(changes.came.begin(), changes.came.end());
  size_t looks = kLooksMax;
  for (auto name = came.begin(); name != came.end() && looks > 0; ++name) {
    if (!wiring_.sinks->Wants(name->pid)) continue;
    Consider(*name);
    --looks;
  }
  if (changes.missed || looks == 0) next_list_ns_ = std::min(next_list_ns_, now_ns + options_.life_interval_ns);
  // Relaxed: what the caller of Rescan changed is behind a lock of its own (MarkerSinks::Wants).
  if (rescan_.exchange(false, std::memory_order_relaxed) || now_ns >= next_list_ns_) {
    next_list_ns_ = now_ns + options_.rescan_interval_ns;
    ListAll();
  }
}

// The directory is anybody's to fill: at most kLooksMax files that are wanted and kLooksMax that are not are looked at; the next list
// begins behind them.
void MarkerReader::ListAll() {
  left_behind_count_ = 0;
  unlisted_refusal_count_ = 0;
  refusals_.clear();
  const absl::StatusOr<std::vector<MarkerRingName>> listed = wiring_.finder->List();
  if (!listed.ok()) {
    Refuse({}, listed.status());
    return;
  }
  std::vector<MarkerRingName> names = *listed;
  std::rotate(names.begin(), std::upper_bound(names.begin(), names.end(), last_looked_at_), names.end());
  size_t looks = kLooksMax;
  size_t strangers = kLooksMax;
  for (const MarkerRingName& name : names) {
    if (entries_.contains(name)) continue;
    if (wiring_.sinks->Wants(name.pid)) {
      if (looks == 0) break;
      --looks;
      last_looked_at_ = name;
      Consider(name);
    } else if (strangers > 0) {
      --strangers;
      left_behind_count_ += !wiring_.processes->Find(name.pid);
    }
  }
}

void MarkerReader::Consider(const MarkerRingName& name) {
  if (entries_.contains(name)) return;
  const std::optional<MarkerProcess> process = wiring_.processes->Find(name.pid);
  if (!process) {
    ++left_behind_count_;
    return;
  }
  if (entries_.size() >= options_.files_max) {
    return Refuse(name, absl::ResourceExhaustedError(fmt::format("{} marker files are read already", options_.files_max)));
  }
  const absl::StatusOr<OpenMarkerFile> opened = OpenMarkerFileOf(wiring_.finder->directory(), name, *process);
  if (!opened.ok()) return Refuse(name, opened.status());
  Entry entry;
  entry.sink = wiring_.sinks->Begin(name, opened->header);
  entry.file = std::make_unique<MarkerRingFile>(*opened, name, wiring_.clocks, entry.sink);
  entry.start_ticks = process->start_ticks;
  std::erase_if(refusals_, [&](const Refusal& refusal) { return refusal.name == name; });
  entries_.emplace(name, std::move(entry));
}

void MarkerReader::Refuse(const MarkerRingName& name, absl::Status why) {
  if (absl::IsNotFound(why)) return;  // gone meanwhile
  const auto known = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& refusal) { return refusal.name == name; });
  if (known != refusals_.end()) {
    known->why = std::move(why);
  } else if (refusals_.size() < options_.refusals_max) {
    refusals_.push_back({.name = name, .why = std::move(why)});
  } else {
    ++unlisted_refusal_count_;
  }
}

bool MarkerReader::DrainAll() {
  bool more = false;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const absl::StatusOr<MarkerRingFile::Drained> drained = at->second.file->Drain(options_.turn_records_max, &buffers_);
    if (!drained.ok()) {
      at = Leave(at, drained.status());
      continue;
    }
    more |= drained->more;
    ++at;
  }
  return more;
}

bool MarkerReader::IsAlive(const Entry& entry) const {
  if (!entry.file->HasOwner()) return false;
  const std::optional<MarkerProcess> process = wiring_.processes->Find(entry.file->name().pid);
  return process && process->start_ticks == entry.start_ticks;
}

void MarkerReader::LookForLife() {
  for (auto at = entries_.begin(); at != entries_.end();) {
    // First: nobody wants a process that has ended, and what it left is still its.
    if (!IsAlive(at->second)) {
      Finish(&at->second);
      at = Leave(at, absl::OkStatus());
    } else if (!wiring_.sinks->Wants(at->first.pid)) {
      at = Leave(at, absl::CancelledError("nobody wants its marks any more"));
    } else {
      ++at;
    }
  }
}

// What is left in the file of a program that is gone, and the file itself.
void MarkerReader::Finish(Entry* entry) {
  MarkerRingFile& file = *entry->file;
  for (int turn = 0; turn < kLastTurnsMax; ++turn) {
    const absl::StatusOr<MarkerRingFile::Drained> drained = file.Drain(options_.turn_records_max, &buffers_);
    if (!drained.ok() || drained->record_count == 0) break;
  }
  const std::string& directory = wiring_.finder->directory();
  if (options_.removes_left_behind && !file.HasOwner() && IsGone(file.name().pid) && file.IsNamed(directory))
    unlink((directory + "/" + file.name().FileName()).c_str());
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

void MarkerReader::Publish() {
  Status status;
  for (const auto& [name, entry] : entries_) status.files.push_back({.name = name, .counts = entry.file->counts()});
  status.refusals = refusals_;
  status.unlisted_refusal_count = unlisted_refusal_count_;
  status.left_behind_count = left_behind_count_;
  status.ended = ended_;
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

}  // namespace hftmon
