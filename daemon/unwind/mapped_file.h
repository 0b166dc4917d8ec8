// MappedFile: opens the file behind a mapping of another process, and nothing else.
//
// The name in /proc/PID/maps is the watched program's to choose. So the very inode is opened through /proc/PID/map_files where the
// privilege is there, else through /proc/PID/root, and only believed if its inode number agrees. It is opened by O_PATH first: a FIFO or a
// device under that name is seen for what it is without being opened.
#ifndef HFTMON_DAEMON_UNWIND_MAPPED_FILE_H_
#define HFTMON_DAEMON_UNWIND_MAPPED_FILE_H_

#include <sys/types.h>

#include <string>

#include "daemon/unwind/process_maps.h"

namespace hftmon {

inline constexpr off_t kMappedFileBytesMax = off_t{1} << 30;

// A descriptor of a regular file that begins as an ELF file does, for the caller to close; -1 and why not.
int OpenMappedFile(const std::string& process, const Mapping& mapping, std::string* reason);
// The same of any path; `inode` 0: any.
int OpenElf(const std::string& path, uint64_t inode, std::string* reason);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_UNWIND_MAPPED_FILE_H_
