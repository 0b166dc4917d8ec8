// MarkerThread: the thread that reads what watched programs mark, and what it has read.
//
// Owner: the daemon. Start and Stop by the owner; the rest by any thread. The thread is one of the daemon's others: it has their CPU mask,
// and sleeps between two looks: kPollIntervalNs while it reads a marker file, else a second, until one is made or the targets change. Where
// marks cannot be read nothing is started, and WhyNot says why.
#ifndef HFTMON_DAEMON_MARKER_THREAD_H_
#define HFTMON_DAEMON_MARKER_THREAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_reader.h"
#include "daemon/markers/marker_ring_finder.h"
#include "daemon/markers/operation_books.h"
#include "daemon/operations/slow_operations.h"
#include "daemon/os/file_root.h"
#include "daemon/os/raw_clocks.h"
#include "daemon/os/tsc_clock.h"
#include "daemon/service/operation_source.h"

namespace hftmon {

class MarkerThread final : public OperationSource {
 public:
  static constexpr char kDirectory[] = "/dev/shm";  // where the marker library makes its files
  // A ring of the default size holds 50 ms at 10 million records a second; one that fills is looked at five times as often.
  static constexpr int64_t kPollIntervalNs = 2'000'000;
  // At a time; more are refused, said so. What one may take of memory: OperationBook.
  static constexpr size_t kFilesMax = 64;

  // All that is pointed to outlives the thread.
  struct Parts {
    const RawClocks* raw_clocks = nullptr;
    const TscClock* clock = nullptr;
    FileRoot files;
    std::span<const uint64_t> watched_bits;  // of processes, shared with the kernel's programs
    SlowOperations::Parts slow;              // but for its clocks
    std::string directory = kDirectory;
  };

  explicit MarkerThread(Parts parts);
  ~MarkerThread() override { Stop(); }
  MarkerThread(const MarkerThread&) = delete;
  MarkerThread& operator=(const MarkerThread&) = delete;

  void Start();
  void Stop();
  // The targets have changed: files are looked for at once.
  void Rescan();

  std::string WhyNot() const override { return why_not_; }
  std::vector<MarkedProgram> ProgramsOf(uint32_t pid) const override;
  std::vector<OperationSlowness> SlownessOf(uint64_t span_file_id) const override { return slow_.SlownessOf(span_file_id); }
  MarkerReader::Status Files() const override;
  uint64_t ForgottenCount() const override { return books_.forgotten_count(); }

 private:
  bool IsWatched(uint32_t pid) const;
  absl::Status WhyNotBelieved() const;

  const Parts parts_;
  const ProcMarkerProcesses processes_;
  SlowOperations slow_;
  OperationBooks books_;
  std::string why_not_;
  std::unique_ptr<MarkerRingFinder> finder_;
  std::unique_ptr<MarkerReader> reader_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKER_THREAD_H_
