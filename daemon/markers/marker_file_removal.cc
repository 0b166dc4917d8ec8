#include "daemon/markers/marker_file_removal.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "daemon/markers/open_marker_file.h"

namespace hftmon {

bool RemoveMarkerFile(const std::string& directory, const MarkerRingName& name, int fd) {
  // Whoever opens the file for writing meanwhile makes the kernel signal this process: by one that does nothing, not by SIGIO, which ends
  // it.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0 || fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return false;
  const bool removed = MarkerFileIsNamed(fd, name) && unlink((directory + "/" + name.FileName()).c_str()) == 0;
  fcntl(fd, F_SETLEASE, F_UNLCK);
  return removed;
}

}  // namespace hftmon
