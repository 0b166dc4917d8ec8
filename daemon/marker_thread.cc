#include "daemon/marker_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "daemon/ring/shared_word.h"

namespace hftmon {
namespace {

SlowOperations::Parts WithClocks(const MarkerThread::Parts& parts) {
  SlowOperations::Parts slow = parts.slow;
  slow.clock = parts.clock;
  slow.ticks = [clock = parts.clock] { return clock->conversion(); };
  return slow;
}

constexpr int kNice = -20;  // as the housekeeping loop's by default

}  // namespace

MarkerThread::MarkerThread(Parts parts)
    : parts_(std::move(parts)),
      processes_(parts_.files),
      slow_(WithClocks(parts_)),
      books_({.clock = parts_.clock,
              .wants = [this](uint32_t pid) { return IsWatched(pid); },
              .ticks = [this] { return parts_.clock->conversion(); },
              .why_not_believed = [this] { return WhyNotBelieved(); },
              .span_files = &slow_}) {
  if (parts_.clock->conversion().multiplier == 0) {
    why_not_ = "the processor's cycle counter is no clock here (`hftmon doctor`: invariant_tsc), and marks are times of it";
    return;
  }
  absl::StatusOr<std::unique_ptr<MarkerRingFinder>> finder = MarkerRingFinder::Create(parts_.directory);
  if (!finder.ok()) {
    why_not_ = fmt::format("{} cannot be watched for marker files: {}", parts_.directory, std::string(finder.status().message()));
    return;
  }
  finder_ = *std::move(finder);
  MarkerReader::Options options;
  options.poll_interval_ns = kPollIntervalNs;
  options.files_max = kFilesMax;
  options.removes_left_behind = true;  // a killed program's rings would take memory until the host is restarted
  reader_ = std::make_unique<MarkerReader>(
      MarkerReader::Wiring{.finder = finder_.get(), .processes = &processes_, .clocks = parts_.raw_clocks, .sinks = &books_}, options);
}

void MarkerThread::Start() {
  if (!reader_ || thread_.joinable()) return;
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "hftmon_markers");
    // Programs wait for nobody: what is read too late is lost. It takes some 20 ns a record. Without the right it
    // stays as it is.
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    reader_->Run(stop_);
  });
}

void MarkerThread::Stop() {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_relaxed);  // orders nothing: the join does
  reader_->Rescan();                             // ends its wait
  thread_.join();
}

void MarkerThread::Rescan() {
  if (reader_) reader_->Rescan();
}

absl::Status MarkerThread::WhyNotBelieved() const {
  if (parts_.clock->uses_tsc()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the processor's cycle counter is no clock any more, and marks are times of it: {}", parts_.clock->state().reason));
}

bool MarkerThread::IsWatched(uint32_t pid) const {
  if (pid / 64 >= parts_.watched_bits.size()) return false;
  return (LoadRelaxed(const_cast<uint64_t&>(parts_.watched_bits[pid / 64])) >> (pid % 64) & 1) != 0;
}

std::vector<MarkedProgram> MarkerThread::ProgramsOf(uint32_t pid) const {
  std::vector<MarkedProgram> programs = books_.ProgramsOf(pid);
  if (programs.empty()) return programs;
  const MarkerReader::Status status = reader_->status();
  for (MarkedProgram& program : programs) {
    if (program.ended) continue;
    for (const MarkerReader::FileStatus& file : status.files) {
      if (!(file.name == program.name)) continue;
      program.counts.overwritten_count = file.counts.overwritten_count;
      program.counts.faults = file.counts.faults;
    }
  }
  return programs;
}

MarkerReader::Status MarkerThread::Files() const {
  return reader_ ? reader_->status() : MarkerReader::Status();
}

}  // namespace hftmon
