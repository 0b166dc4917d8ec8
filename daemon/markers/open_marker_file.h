// Opens a marker file and believes its header once, after holding it against what the kernel says of the file and of the process.
//
// Any thread. None blocks, whatever the owner does to the file: README.md has why, call by call. The name is opened by O_PATH first, so a
// FIFO, a device or a link under it is seen for what it is without being opened; a lease or a lock of the owner's is an error, not a wait.
#ifndef HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_
#define HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/marker_ring_layout.h"
#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_ring_name.h"

namespace hftmon {

// Which file it is, whatever its name. A number is used again when the file is gone: hold it together with the process's start time.
struct MarkerFileIdentity {
  bool operator==(const MarkerFileIdentity&) const = default;

  dev_t device = 0;
  ino_t inode = 0;
};

struct OpenMarkerFile {
  int fd = -1;                 // for reading; the caller's to close
  hft_marker_header header{};  // range_max is 0 in one of a version without ranges
  MarkerFileIdentity identity;
};

// `process` is what runs as name.pid. An error names the file, the cause and what would help:
//   NOT_FOUND            no such file
//   PERMISSION_DENIED    this process may not read it
//   INVALID_ARGUMENT     it is no regular file on a tmpfs, not of mode 0600, not the process's, has several names, another size than its
//                        header says, bounds beyond the limits, another counter, or is of an earlier process with this pid
//   FAILED_PRECONDITION  its process lives, but does not hold it any more
//   UNIMPLEMENTED        its version is neither ours nor the one before
absl::StatusOr<OpenMarkerFile> OpenMarkerFileOf(const std::string& directory, const MarkerRingName& name, const MarkerProcess& process);

// Whether the file still has the name that it was opened by: false when it was removed or renamed.
bool MarkerFileIsNamed(int fd, const MarkerRingName& name);

// Whether the program that made the file still has it open (or a child of its that did not exec).
bool MarkerFileHasOwner(int fd);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_
