// MarkerProcesses: whom a marker file belongs to, as the kernel says; the seam, and what reads /proc.
// Reads: /proc/PID/status (Uid), /proc/PID/stat (start time). Any thread.
#ifndef HFTMON_DAEMON_MARKERS_MARKER_PROCESSES_H_
#define HFTMON_DAEMON_MARKERS_MARKER_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct MarkerProcess {
  bool operator==(const MarkerProcess&) const = default;

  uid_t uid = 0;  // effective: the one that its files get
  uint64_t start_ticks = 0;
};

class MarkerProcesses {
 public:
  virtual ~MarkerProcesses() = default;
  // NOT_FOUND: there is no such process. Any other error proves nothing: the kernel's word could not be had (no descriptor is left, no
  // right).
  virtual absl::StatusOr<MarkerProcess> Find(uint32_t pid) const = 0;
};

class ProcMarkerProcesses final : public MarkerProcesses {
 public:
  explicit ProcMarkerProcesses(FileRoot files) : files_(std::move(files)) {}
  absl::StatusOr<MarkerProcess> Find(uint32_t pid) const override;

 private:
  const FileRoot files_;
};

// The second number of "Uid:"; nullopt where there is none. Pure.
std::optional<uid_t> ParseEffectiveUid(std::string_view status);
// Field 22 of /proc/PID/stat: clock ticks since boot. The name in it may hold anything. Pure.
std::optional<uint64_t> ParseStartTicks(std::string_view stat);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_MARKERS_MARKER_PROCESSES_H_
