#include "daemon/os/proc_cgroup.h"

#include <algorithm>

namespace hftmon {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

std::vector<std::string> ParseProcCgroup(std::string_view text) {
  std::vector<std::string> paths;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // "hierarchy:controllers:path"; a named hierarchy's controllers may hold anything but a colon.
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string_view path = line.substr(second + 1);
    if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
    if (!path.starts_with('/')) continue;
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.emplace_back(path);
  }
  return paths;
}

}  // namespace hftmon
