// SwapAreas: where the host may put memory that it swaps out. Passive data.
// Reads: /proc/swaps. The parser is pure, any thread.
#ifndef HFTMON_DAEMON_OS_SWAP_AREAS_H_
#define HFTMON_DAEMON_OS_SWAP_AREAS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/os/file_root.h"

namespace hftmon {

struct SwapArea {
  std::string path;  // of the device or file; blanks in it as the kernel writes them ("\040")
  std::string type;  // "partition", "file"
  int64_t size_bytes = 0;
  int64_t used_bytes = 0;
};

// None is an answer. INVALID_ARGUMENT shows the line that is no area.
absl::StatusOr<std::vector<SwapArea>> ParseSwapAreas(std::string_view text);

// Empty also where the kernel is built without swap (no such file). Errors name the file.
absl::StatusOr<std::vector<SwapArea>> ReadSwapAreas(const FileRoot& root);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_SWAP_AREAS_H_
