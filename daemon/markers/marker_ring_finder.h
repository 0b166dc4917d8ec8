// MarkerRingFinder: sees marker files come and go in a directory, as the kernel tells (inotify), and lists those that are there.
//
// Reads: a directory's names, inotify (IN_CREATE, IN_DELETE). Produces: names; whether a file is what its name says is not judged here.
// A file gets its name when it is complete, so one event is one file. One thread. Poll does not block; a list takes the
// directory's lock, as every program does that opens or removes a file there (README.md). Bounds: a Poll looks at 64 KiB of events,
// a list at kDirectoryNamesMax names; whatever was not looked at is counted or said.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_RING_FINDER_H_
#define HFTMON_DAEMON_MARKERS_MARKER_RING_FINDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/markers/marker_ring_name.h"

namespace hftmon {

class MarkerRingFinder {
 public:
  static constexpr size_t kDirectoryNamesMax = 65'536;

  struct Changes {
    std::vector<MarkerRingName> came;
    std::vector<MarkerRingName> gone;
    bool missed = false;  // the kernel had no room for an event: List again
  };

  // `directory`: /dev/shm, or another process's (/proc/PID/root/dev/shm), or a test's. NOT_FOUND and the like where it is none;
  // RESOURCE_EXHAUSTED: no inotify instance or watch is left (fs.inotify.max_user_instances, max_user_watches).
  static absl::StatusOr<std::unique_ptr<MarkerRingFinder>> Create(std::string directory);
  ~MarkerRingFinder();
  MarkerRingFinder(const MarkerRingFinder&) = delete;
  MarkerRingFinder& operator=(const MarkerRingFinder&) = delete;

  // What changed since the last call, in its order.
  Changes Poll();
  // All that are there now, ascending; of one pid, if given.
  absl::StatusOr<std::vector<MarkerRingName>> List(std::optional<uint32_t> pid = std::nullopt) const;

  // Readable when Poll has something to tell.
  int fd() const { return fd_; }
  const std::string& directory() const { return directory_; }

 private:
  MarkerRingFinder(std::string directory, int fd) : directory_(std::move(directory)), fd_(fd) {}

  const std::string directory_;
  const int fd_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_RING_FINDER_H_
