// MarkerReader: finds the marker files of the programs that somebody wants marks of, and drains them for as long as they live.
//
// Threads: RunOnce and Run by one thread, the reader's own and never the housekeeping thread: it makes system calls. Rescan and status by
// any thread. The sinks are called by the reader's thread. Bounds: files, records of a file and turn, refusals remembered
// (Options), files looked at in a turn (512), whoever fills the directory.
// Reads: a directory (MarkerRingFinder), /proc through MarkerProcesses, the files. Produces: records; a status.
// A file is found when it gets its name, when Rescan was called (a process is newly watched), and every rescan_interval_ns; it is left when
// its program is gone and nothing is left in it, or when it is no longer what it was. A file that no process belongs to, left behind by
// one that died, is counted and never opened. What a program left behind that died while its file was read is removed, if asked.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_READER_H_
#define HFTMON_DAEMON_MARKERS_MARKER_READER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_record.h"
#include "daemon/markers/marker_ring_file.h"
#include "daemon/markers/marker_ring_finder.h"
#include "daemon/os/raw_clocks.h"

namespace hftmon {

// Who wants which marks. Called by the reader's thread.
class MarkerSinks {
 public:
  virtual ~MarkerSinks() = default;
  virtual bool Wants(uint32_t pid) = 0;
  // Every file had its turn. True: look again soon, though no mark may come.
  virtual bool EndTurn() { return false; }
  // A file begins. The sink stays until End.
  virtual MarkerSink* Begin(const MarkerRingName& name, const hft_marker_header& header) = 0;
  // No more comes. OK: the program ended or closed it; DATA_LOSS: it changed the file; CANCELLED: nobody wants it any more.
  virtual void End(const MarkerRingName& name, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) = 0;
};

class MarkerReader {
 public:
  struct Options {
    size_t files_max = 256;
    size_t refusals_max = 64;
    uint64_t turn_records_max = 65'536;          // of a file, before the next has its turn
    int64_t poll_interval_ns = 500'000;          // between two turns when nothing waits
    int64_t idle_interval_ns = 1'000'000'000;    // when there is no file: a new one, and Rescan, end the wait
    int64_t life_interval_ns = 100'000'000;      // between two looks whether the programs are still there; the status is as old
    int64_t rescan_interval_ns = 1'000'000'000;  // between two lists of the directory
    bool removes_left_behind = false;            // takes a directory that the daemon may remove another user's file from
  };
  struct Wiring {
    MarkerRingFinder* finder;
    const MarkerProcesses* processes;
    const RawClocks* clocks;
    MarkerSinks* sinks;
  };
  struct FileStatus {
    MarkerRingName name;
    MarkerRingFile::Counts counts;
  };
  struct Refusal {
    MarkerRingName name;
    absl::Status why;
  };
  struct Status {
    std::vector<FileStatus> files;
    std::vector<Refusal> refusals;        // of files that are wanted and still there
    uint64_t unlisted_refusal_count = 0;  // as of the last list: beyond files_max or refusals_max
    uint64_t left_behind_count = 0;       // as of the last list: files that no process belongs to
    MarkerRingFile::Counts ended;         // of files that are no longer read, added up
  };

  MarkerReader(const Wiring& wiring, const Options& options);
  ~MarkerReader();
  MarkerReader(const MarkerReader&) = delete;
  MarkerReader& operator=(const MarkerReader&) = delete;

  // One turn: what came and went, then a part of each file. Whether more waits.
  bool RunOnce();
  // Turns until `stop`, which is looked at between two waits: Rescan ends one.
  void Run(const std::atomic<bool>& stop);

  // The next turn lists the directory, and comes at once.
  void Rescan();
  Status status() const;

 private:
  struct Entry {
    std::unique_ptr<MarkerRingFile> file;
    MarkerSink* sink = nullptr;
    uint64_t start_ticks = 0;
  };
  using Entries = std::map<MarkerRingName, Entry>;

  void FindFiles(int64_t now_ns);
  void ListAll();
  void Consider(const MarkerRingName& name);
  void Refuse(const MarkerRingName& name, absl::Status why);
  bool DrainAll();
  void LookForLife();
  bool IsAlive(const Entry& entry) const;
  Entries::iterator Leave(Entries::iterator at, const absl::Status& why);
  void Finish(Entry* entry);
  void Publish();
  void Wait(bool more) const;

  const Wiring wiring_;
  const Options options_;
  const int wake_fd_;  // -1: there is none, and no wait is long
  MarkerBuffers buffers_;
  Entries entries_;
  std::vector<Refusal> refusals_;
  uint64_t unlisted_refusal_count_ = 0;
  uint64_t left_behind_count_ = 0;
  MarkerRingName last_looked_at_;
  MarkerRingFile::Counts ended_;
  int64_t next_list_ns_ = 0;
  int64_t next_life_ns_ = 0;
  bool look_soon_ = false;
  std::atomic<bool> rescan_{true};
  mutable std::mutex mutex_;  // guards status_
  Status status_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_READER_H_
