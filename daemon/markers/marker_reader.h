// MarkerReader: finds the marker files of the programs that somebody wants marks of, and drains them for as long as they live.
//
// Threads: RunOnce and Run by one thread, the reader's own and never the housekeeping thread: it makes system calls. Rescan and status by
// any thread. The sinks are called by the reader's thread.
// Reads: a directory (MarkerRingFinder), /proc through MarkerProcesses, the files. Produces: records; a status.
// A file is found when it gets its name, when Rescan was called (a process is newly watched), and every rescan_interval_ns; it is left when
// its program is gone or has taken its name away and nothing is left in it, or when it is no longer what it was. Whoever removes the name
// of a running program's file ends the reading of its marks. A file that nobody wants any more is left at once; where it stopped is
// remembered, and reading goes on from there when it is wanted again. A file that no process belongs to, left behind by one that died, is
// counted and never opened. What a program left behind that died while its file was read is removed, if asked.
// Bounds (Options): files; of each turn the records of a file, the names that are looked at, the programs that are asked whether they live,
// whoever fills the directory; refusals and positions that are remembered; what is drained of a file whose program is gone: what a full
// file holds. Names that come and go wake the thread no oftener than every look_interval_ns. A turn looks at `stop` between two files.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_READER_H_
#define HFTMON_DAEMON_MARKERS_MARKER_READER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
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
  // Why nothing that is marked can be believed now (the counter is no clock any more): every file is left and refused with it. OK: it can.
  virtual absl::Status WhyNotBelieved() { return absl::OkStatus(); }
  // A file begins. The sink stays until End.
  virtual MarkerSink* Begin(const MarkerRingName& name, const hft_marker_header& header) = 0;
  // No more comes. OK: the program ended or closed it; DATA_LOSS: it changed the file; CANCELLED: nobody wants it any more; else: what
  // WhyNotBelieved said.
  virtual void End(const MarkerRingName& name, MarkerSink* sink, const MarkerRingFile::Counts& counts, const absl::Status& why) = 0;
};

class MarkerReader {
 public:
  struct Options {
    size_t files_max = 256;
    size_t refusals_max = 64;
    size_t positions_max = 256;                  // files that are remembered; the oldest is forgotten, and read from its beginning again
    size_t looks_max = 64;                       // of a turn, some 60 us each: names that are wanted, and as many that are not
    size_t lives_max = 16;                       // of a turn, as long
    uint64_t turn_records_max = 32'768;          // of a file, before the next has its turn
    int64_t poll_interval_ns = 500'000;          // between two turns when nothing waits
    int64_t busy_interval_ns = 100'000;          // likewise, when a ring was found a sixteenth full
    int64_t idle_interval_ns = 1'000'000'000;    // when there is no file: a new one, and Rescan, end the wait
    int64_t look_interval_ns = 10'000'000;       // between two looks at names that came and went
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
    uint64_t unlisted_refusal_count = 0;  // more of them, beyond refusals_max; at least: those that were looked at since the last list
    uint64_t left_behind_count = 0;  // files that no process belongs to; at least: a list looks at looks_max of those that nobody wants
    MarkerRingFile::Counts ended;    // of files that are no longer read, added up
  };

  MarkerReader(const Wiring& wiring, const Options& options);
  ~MarkerReader();
  MarkerReader(const MarkerReader&) = delete;
  MarkerReader& operator=(const MarkerReader&) = delete;

  // One turn: what came and went, then a part of each file. Whether more waits. `stop`: ends it early when it becomes true.
  bool RunOnce(const std::atomic<bool>* stop = nullptr);
  // Turns until `stop`, which is looked at between two waits, too: Rescan ends one.
  void Run(const std::atomic<bool>& stop);

  // The next turn lists the directory, and comes at once.
  void Rescan();
  Status status() const;

 private:
  struct Entry {
    std::unique_ptr<MarkerRingFile> file;
    MarkerSink* sink = nullptr;
    uint64_t start_ticks = 0;
    bool finishing = false;         // its program is gone, or has taken the name away: what is left is read
    bool program_is_gone = false;   // so what it left behind may be removed
    uint64_t last_records_max = 0;  // that are still drained of a file that is finishing
  };
  using Entries = std::map<MarkerRingName, Entry>;
  struct Remembered {
    MarkerRingName name;
    uint64_t start_ticks = 0;
    MarkerFileIdentity identity;
    std::vector<MarkerRingPosition> positions;
  };

  void FindFiles(int64_t now_ns);
  void LookAtChanges(int64_t now_ns);
  void ListAll();
  void CountLeftBehind(const std::vector<MarkerRingName>& strangers);
  void Consider(const MarkerRingName& name);
  void Refuse(const MarkerRingName& name, absl::Status why);
  void Forgive(const MarkerRingName& name);
  void LeaveUnbelieved();
  bool DrainAll(const std::atomic<bool>* stop);
  Entries::iterator DrainOne(Entries::iterator at, bool* more);
  void LookForLife(int64_t now_ns);
  Entries::iterator LookForLifeOf(Entries::iterator at);
  bool IsAlive(const Entry& entry) const;
  void BeginToFinish(Entry* entry) const;
  Entries::iterator Leave(Entries::iterator at, const absl::Status& why);
  void Remember(const MarkerRingName& name, const Entry& entry);
  std::vector<MarkerRingPosition> Recall(const MarkerRingName& name, uint64_t start_ticks, const MarkerFileIdentity& identity);
  void Publish();
  void Wait(bool more);

  const Wiring wiring_;
  const Options options_;
  const int wake_fd_;  // -1: there is none, and no wait is long
  MarkerBuffers buffers_;
  Entries entries_;
  std::set<MarkerRingName> unlooked_at_;  // came, and found no place in their turn; or have another file's name, which is being finished
  std::deque<Remembered> remembered_;     // oldest first
  std::vector<Refusal> refusals_;
  std::set<MarkerRingName> unlisted_refusals_;
  std::set<MarkerRingName> left_behind_;
  MarkerRingName last_looked_at_;
  MarkerRingName last_stranger_;
  MarkerRingName last_life_;  // whose turn it was last to be asked whether it lives
  bool life_is_unfinished_ = false;
  bool is_busy_ = false;
  MarkerRingFile::Counts ended_;
  int64_t next_look_ns_ = 0;
  int64_t next_list_ns_ = 0;
  int64_t next_life_ns_ = 0;
  bool look_soon_ = false;
  std::atomic<bool> rescan_{true};
  mutable std::mutex mutex_;  // guards status_
  Status status_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_READER_H_
