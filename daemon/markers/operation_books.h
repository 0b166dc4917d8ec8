// OperationBooks: the marks of every program that is watched, file by file, and what became of each.
//
// Begin, End and Wants by the reader's thread (MarkerReader); ProgramsOf by any, which copies. A book's lock is held while a chunk of its
// records is added (some us) and while it is copied. Bounds: a book for each file that is read, kEndedMax of files that are read no more.
#ifndef HFTMON_DAEMON_MARKERS_OPERATION_BOOKS_H_
#define HFTMON_DAEMON_MARKERS_OPERATION_BOOKS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/clock_conversion.h"
#include "common/monotonic_clock.h"
#include "daemon/markers/marker_reader.h"
#include "daemon/markers/operation_book.h"
#include "daemon/markers/span_files.h"

namespace hftmon {

// What is known of one marker file. Passive data.
struct MarkedProgram {
  MarkerRingName name;
  uint64_t span_file_id = 0;  // SpanFile::id; 0: none
  uint64_t start_ticks = 0;   // of the process that made it: tells a later one of the same number apart
  int64_t since_mono_ns = 0;  // when its marks were read first
  int64_t until_mono_ns = 0;  // when they were read last, of one that ended
  bool ended = false;
  absl::Status why_ended;  // as MarkerSinks::End has it
  std::vector<OperationEntry> operations;
  OperationLosses losses;
  uint64_t open_count = 0;
  // Delivered: those that the figures have. Of one that is read the others are MarkerReader's, up to life_interval_ns old.
  MarkerRingFile::Counts counts;
};

class OperationBooks final : public MarkerSinks {
 public:
  static constexpr size_t kEndedMax = 64;

  struct Parts {
    const MonotonicClock* clock = nullptr;
    std::function<bool(uint32_t pid)> wants;                   // whether the process is watched now
    std::function<LinearConversion()> ticks;                   // the processor's counter -> CLOCK_MONOTONIC, as it is now
    std::function<absl::Status()> why_not_believed = nullptr;  // as MarkerSinks has it; none: marks are always believed
    SpanFiles* span_files = nullptr;                           // may be missing
  };

  explicit OperationBooks(Parts parts) : parts_(std::move(parts)) {}

  bool Wants(uint32_t pid) override { return parts_.wants(pid); }
  bool EndTurn() override { return parts_.span_files != nullptr && parts_.span_files->EndTurn(); }
  absl::Status WhyNotBelieved() override { return parts_.why_not_believed ? parts_.why_not_believed() : absl::OkStatus(); }
  MarkerSink* Begin(const MarkerRingName& name, const hft_marker_header& header) override;
  void End(const MarkerRingName& name, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) override;

  // By file number, of one file in the order of beginning. Their counts are not filled in while they are read.
  std::vector<MarkedProgram> ProgramsOf(uint32_t pid) const;
  // Files that ended and are known no more, since there were more than kEndedMax of them.
  uint64_t forgotten_count() const;

 private:
  // One file's, and the lock around its book.
  class Book final : public MarkerSink, private OperationSpanSink {
   public:
    Book(const MarkerRingName& name, uint64_t start_ticks, const Parts& parts);
    void OnOperation(uint32_t operation, std::string_view name) override;
    void OnRecords(std::span<const MarkerRecord> records) override;
    void End(const MarkerRingFile::Counts& counts, const absl::Status& why);
    MarkedProgram Read() const;
    const MarkerRingName& name() const { return program_.name; }
    bool ended() const { return program_.ended; }

   private:
    void OnSpan(const OperationSpan& span) override {
      if (span_file_ != nullptr) span_file_->OnSpan(span);
    }

    const Parts& parts_;
    mutable std::mutex mutex_;
    MarkedProgram program_;  // without the operations
    OperationBook book_;
    const std::shared_ptr<SpanFile> span_file_;
  };

  const Parts parts_;
  mutable std::mutex mutex_;                // of the list; a book's own lock is taken within it
  std::list<std::shared_ptr<Book>> books_;  // those that ended first, oldest first
  uint64_t forgotten_count_ = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_OPERATION_BOOKS_H_
