#include "daemon/markers/marker_ring_finder.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hftmon {
namespace {

constexpr size_t kEventBytes = 64u << 10;

absl::Status NoWatch(int error, const std::string& directory) {
  if (error == EMFILE || error == ENOSPC) {
    return absl::ResourceExhaustedError(
        fmt::format("no inotify is left to watch {} with: raise fs.inotify.max_user_instances or fs.inotify.max_user_watches", directory));
  }
  return absl::ErrnoToStatus(error, fmt::format("{} cannot be watched", directory));
}

}  // namespace

absl::StatusOr<std::unique_ptr<MarkerRingFinder>> MarkerRingFinder::Create(std::string directory) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return NoWatch(errno, directory);
  if (inotify_add_watch(fd, directory.c_str(), IN_CREATE | IN_DELETE | IN_ONLYDIR) < 0) {
    const int error = errno;
    close(fd);
    return NoWatch(error, directory);
  }
  return std::unique_ptr<MarkerRingFinder>(new MarkerRingFinder(std::move(directory), fd));
}

MarkerRingFinder::~MarkerRingFinder() {
  close(fd_);
}

MarkerRingFinder::Changes MarkerRingFinder::Poll() {
  alignas(inotify_event) std::array<char, kEventBytes> events;
  Changes changes;
  const ssize_t bytes = read(fd_, events.data(), events.size());
  for (ssize_t at = 0; at < bytes;) {
    inotify_event event{};
    std::memcpy(&event, events.data() + at, sizeof(event));
    const char* const name = events.data() + at + sizeof(event);
    at += static_cast<ssize_t>(sizeof(event) + event.len);
    if ((event.mask & IN_Q_OVERFLOW) != 0) changes.missed = true;
    if (event.len == 0) continue;
    const std::optional<MarkerRingName> ring = MarkerRingName::Parse(std::string_view(name, strnlen(name, event.len)));
    if (!ring) continue;
    ((event.mask & IN_DELETE) != 0 ? changes.gone : changes.came).push_back(*ring);
  }
  return changes;
}

absl::StatusOr<std::vector<MarkerRingName>> MarkerRingFinder::List(std::optional<uint32_t> pid) const {
  DIR* const directory = opendir(directory_.c_str());
  if (directory == nullptr) return absl::ErrnoToStatus(errno, directory_);
  std::vector<MarkerRingName> names;
  size_t looked_at = 0;
  for (const dirent* entry = readdir(directory); entry != nullptr && looked_at < kDirectoryNamesMax; entry = readdir(directory)) {
    ++looked_at;
    const std::optional<MarkerRingName> name = MarkerRingName::Parse(entry->d_name);
    if (name && (!pid || name->pid == *pid)) names.push_back(*name);
  }
  closedir(directory);
  std::sort(names.begin(), names.end());
  if (looked_at < kDirectoryNamesMax) return names;
  return absl::ResourceExhaustedError(
      fmt::format("{} holds more than {} files: remove what programs left there", directory_, kDirectoryNamesMax));
}

}  // namespace hftmon
