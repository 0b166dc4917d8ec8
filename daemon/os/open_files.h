// OpenFiles: how many files (connections are most of them) the process may have open, and has.
// Reads: getrlimit(RLIMIT_NOFILE), /proc/self/fd. Any thread.
#ifndef HFTMON_DAEMON_OS_OPEN_FILES_H_
#define HFTMON_DAEMON_OS_OPEN_FILES_H_

#include <cstdint>

namespace hftmon {

struct OpenFiles {
  int64_t used = 0;
  int64_t limit = 0;
};

OpenFiles ReadOpenFiles();

// The limit alone, which costs one system call.
int64_t OpenFilesLimit();

// Of the daemon, unless it was given more: an idle connection takes a file and some 15 KB.
inline constexpr int64_t kOpenFilesMax = 8'192;

// Raises the soft limit to kOpenFilesMax or the hard one: each connection takes a file, and the usual 1,024 would not do for a thousand.
void RaiseOpenFilesLimit();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_OPEN_FILES_H_
