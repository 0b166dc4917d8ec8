// Removal of a marker file that its program left behind, without ever waiting for whoever else has it open.
//
// Any thread. Reads: nothing. To remove a name the kernel takes the file's own lock, which somebody who writes into the file may hold for
// as long as he likes (a write whose source never comes). So the file is removed only under a read lease, which the kernel grants when
// nobody has it open for writing, and which makes whoever would open it for writing wait meanwhile.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_FILE_REMOVAL_H_
#define HFTMON_DAEMON_MARKERS_MARKER_FILE_REMOVAL_H_

#include <string>

#include "daemon/markers/marker_ring_name.h"

namespace hftmon {

// Whether it was removed: not where somebody has it open for writing, it has lost its name, or this process may not (another user's file
// takes CAP_LEASE, and CAP_FOWNER in a directory like /dev/shm). `fd`: the file, open for reading.
bool RemoveMarkerFile(const std::string& directory, const MarkerRingName& name, int fd);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_FILE_REMOVAL_H_
