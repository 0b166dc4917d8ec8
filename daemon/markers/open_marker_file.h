// Opens a marker file and believes its header once, after holding it against what the kernel says of the file and of the process.
//
// Any thread. Neither blocks: the name is opened by O_PATH first, so a FIFO, a device or a link under it is seen for what it is without
// being opened; a lease or a lock of the owner's is an error, not a wait.
#ifndef HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_
#define HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/marker_ring_layout.h"
#include "daemon/markers/marker_processes.h"
#include "daemon/markers/marker_ring_name.h"

namespace hftmon {

struct OpenMarkerFile {
  int fd = -1;  // the caller's to close; holds the reader's lock, so that a ring has one reader
  hft_marker_header header{};
};

// `process` is what runs as name.pid. An error names the file, the cause and what would help:
//   NOT_FOUND            no such file
//   PERMISSION_DENIED    this process may not open it
//   INVALID_ARGUMENT     it is no regular file on a tmpfs, not of mode 0600, not the process's, has several names, another size than its
//                        header says, bounds beyond the limits, another counter, or is of an earlier process with this pid
//   FAILED_PRECONDITION  another reader has it
//   UNIMPLEMENTED        its version is not ours
absl::StatusOr<OpenMarkerFile> OpenMarkerFileOf(const std::string& directory, const MarkerRingName& name, const MarkerProcess& process);

// Whether the program that made the file still has it open (or a child of its that did not exec).
bool MarkerFileHasOwner(int fd);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_OPEN_MARKER_FILE_H_
