#include "daemon/os/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

namespace hftmon {

int64_t OpenFilesLimit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<int64_t>(limit.rlim_cur) : 0;
}

OpenFiles ReadOpenFiles() {
  OpenFiles files{.limit = OpenFilesLimit()};
  std::error_code error;
  const auto folder = std::filesystem::directory_iterator("/proc/self/fd", error);
  if (!error) files.used = std::distance(begin(folder), end(folder)) - 1;  // one is the folder's own
  return files;
}

void RaiseOpenFilesLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kOpenFilesMax) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, kOpenFilesMax));
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace hftmon
