#include "daemon/markers/program_ranges.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "common/counted.h"
#include "daemon/markers/marker_ring_name.h"
#include "daemon/markers/open_marker_file.h"

namespace hftmon {
namespace {

constexpr uint32_t kFileNumbers = 256;

// What was found in the files of a process.
struct Found {
  uint64_t file_count = 0;  // opened
  uint64_t old_count = 0;   // of a version without ranges
  uint64_t refused_file_count = 0;
  std::string refusal;  // the first file's
  MarkerRanges ranges;
};

void Refuse(const absl::Status& why, Found* found) {
  if (absl::IsNotFound(why)) return;
  ++found->refused_file_count;
  if (found->refusal.empty()) found->refusal = std::string(why.message());
}

void AddFile(const std::string& directory, const MarkerRingName& name, const MarkerProcess& process, Found* found) {
  const absl::StatusOr<OpenMarkerFile> opened = OpenMarkerFileOf(directory, name, process);
  if (!opened.ok()) return Refuse(opened.status(), found);
  absl::StatusOr<MarkerRanges> ranges = ReadMarkerRanges(*opened);
  close(opened->fd);
  if (!ranges.ok()) return Refuse(ranges.status(), found);
  ++found->file_count;
  if (opened->header.version == HFT_MARKER_VERSION_WITHOUT_RANGES) ++found->old_count;
  found->ranges.refused_count += ranges->refused_count;
  found->ranges.unfinished_count += ranges->unfinished_count;
  std::move(ranges->ranges.begin(), ranges->ranges.end(), std::back_inserter(found->ranges.ranges));
}

std::string WhyMissing(const Found& found) {
  std::vector<std::string> causes;
  if (found.refused_file_count > 0) {
    causes.push_back(
        fmt::format("{} of it cannot be read: {}", Counted(found.refused_file_count, "marker file", "marker files"), found.refusal));
  }
  if (found.old_count > 0) {
    causes.emplace_back(
        "its marker library is of version 2 and knows no ranges: link the one that came with the daemon, and name them with "
        "hftmon_marker_range");
  }
  if (found.ranges.refused_count > 0) {
    causes.push_back(
        fmt::format("{} refused: its address, length or name cannot be", Counted(found.ranges.refused_count, "range is", "ranges are")));
  }
  if (found.ranges.unfinished_count > 0) {
    causes.push_back(
        fmt::format("{} being named or withdrawn just now: ask again", Counted(found.ranges.unfinished_count, "range was", "ranges were")));
  }
  if (found.ranges.ranges.size() > kProgramRangesMax) {
    causes.push_back(fmt::format("it names {} ranges, of which {} are looked at", found.ranges.ranges.size(), kProgramRangesMax));
  }
  if (!causes.empty()) return fmt::format("{}", fmt::join(causes, "; "));
  if (found.file_count == 0) {
    return "it has no marker file: a program names its memory by hftmon_marker_range of the marker library (client/marker)";
  }
  return found.ranges.ranges.empty() ? "it marks, but names no memory: hftmon_marker_range of the marker library does" : "";
}

}  // namespace

ProgramRanges ReadProgramRanges(const std::string& directory, const MarkerProcesses& processes, uint32_t pid) {
  const absl::StatusOr<MarkerProcess> process = processes.Find(pid);
  if (!process.ok()) return {.ranges = {}, .why_missing = std::string(process.status().message())};
  Found found;
  for (uint32_t number = 0; number < kFileNumbers; ++number) AddFile(directory, {.pid = pid, .number = number}, *process, &found);
  ProgramRanges program{.ranges = {}, .why_missing = WhyMissing(found)};
  program.ranges = std::move(found.ranges.ranges);
  std::sort(program.ranges.begin(), program.ranges.end(), [](const ProgramRange& a, const ProgramRange& b) {
    return std::tie(a.name, a.address, a.bytes) < std::tie(b.name, b.address, b.bytes);
  });
  if (program.ranges.size() > kProgramRangesMax) program.ranges.resize(kProgramRangesMax);
  return program;
}

}  // namespace hftmon
