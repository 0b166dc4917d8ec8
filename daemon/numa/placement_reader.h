// PlacementReader: where a process's memory lies, read so that the process notices little of it.
//
// Reads: /proc/PID/{maps,statm}, and pages chosen by placement_sample, kLocatedPagesMax at a time with a pause between: 4,096 pages take
// 0.3 s. Where little is resident, or when asked for and allowed, /proc/PID/{numa_maps,smaps} instead: exact, with policies and huge pages,
// but they hold the process's mmap lock for some 13 ms a GiB each. Nothing is moved or changed. It sleeps: for a thread of its own, one
// call at a time.
#ifndef HFTMON_DAEMON_NUMA_PLACEMENT_READER_H_
#define HFTMON_DAEMON_NUMA_PLACEMENT_READER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "common/monotonic_clock.h"
#include "daemon/numa/address_range.h"
#include "daemon/numa/pacer.h"
#include "daemon/numa/page_locations.h"
#include "daemon/numa/placement_rows.h"
#include "daemon/numa/placement_sample.h"
#include "daemon/numa/process_placement.h"
#include "daemon/os/file_root.h"

namespace hftmon {

inline constexpr size_t kPlacementRangesMax = 256;
// What named ranges cost beside the mappings: pages of each, and of all (1 s).
inline constexpr uint64_t kNamedRangePagesMax = 1'024;
inline constexpr uint64_t kNamedPagesMax = 16'384;
inline constexpr size_t kPlacementAddressesMax = 256;

// numa_maps and smaps are not read of a process with more mappings: the kernel walks those with their lock held, and 60,000 took 19 s.
inline constexpr size_t kWholeMappingsMax = 4'096;

struct PlacementWish {
  pid_t pid = 0;                              // > 0, in the namespace that /proc is mounted for
  uint64_t pages_max = 4'096;                 // of mappings, or of `ranges`: 1 … kSamplePagesMax
  std::span<const AddressRange> ranges = {};  // at most kPlacementRangesMax: these instead of the mappings; none: all mappings
  // Beside them, at most kPlacementRangesMax: ProcessPlacement::ranges. Up to kNamedRangePagesMax pages of each are looked at,
  // kNamedPagesMax of all, whatever pages_max is: they are those that matter.
  std::span<const AddressRange> named_ranges = {};
  // Whose pages are looked at beside them, at most kPlacementAddressesMax: ProcessPlacement::asked_pages.
  std::span<const uint64_t> addresses = {};
  uint64_t seed = 0;
  // numa_maps and smaps are read of a process that has no more resident than this (0.4 ms for each of the two); 0: never by themselves.
  int64_t small_rss_bytes_max = int64_t{32} << 20;
  // They are asked for, and are read up to this.
  bool exact = false;
  int64_t exact_rss_bytes_max = int64_t{4} << 30;
  bool keep_pages = false;  // ProcessPlacement::pages is filled: with those that are looked at one by one, so none of what numa_maps told
};

class PlacementReader {
 public:
  // All outlive it. `page_bytes`: the base page's.
  PlacementReader(FileRoot files, PageLocations& locations, Pacer& pacer, const MonotonicClock& clock, int64_t page_bytes);

  // Without numa_maps, and beyond exact_rss_bytes_max, it is a sample: `unavailable` says why. INVALID_ARGUMENT: the wish is beyond a
  // bound. NOT_FOUND: no such process, or it ended meanwhile. PERMISSION_DENIED: it may not be looked into. FAILED_PRECONDITION: it has no
  // memory of its own. UNAVAILABLE: this kernel does not tell. ABORTED: it became another program meanwhile. CANCELLED: the pacer gave it
  // up.
  absl::StatusOr<ProcessPlacement> Read(const PlacementWish& wish);

 private:
  absl::StatusOr<std::string> ReadText(pid_t pid, const char* name, size_t bytes_max, LookCost* cost) const;
  absl::StatusOr<ProcMaps> ReadMaps(pid_t pid, LookCost* cost) const;
  void ReadWhole(const PlacementWish& wish, const ProcMaps& maps, ProcessPlacement* placement) const;
  absl::Status Walk(const PlacementWish& wish, const ProcMaps& maps, ProcessPlacement* placement);
  absl::Status LookAtRows(const PlacementWish& wish, const PlacementSample& sample, bool keep_pages, std::span<MappingPlacement> rows,
                          ProcessPlacement* placement);
  absl::Status LookAtAddresses(const PlacementWish& wish, ProcessPlacement* placement);
  // The nodes of at most kLocatedPagesMax addresses; pauses before all but the look's first.
  absl::Status Locate(const PlacementWish& wish, std::span<const uint64_t> addresses, std::span<int> nodes, LookCost* cost);
  absl::Status Look(const PlacementWish& wish, std::span<const SampledPage> pages, bool keep_pages, PlacementTally* tally,
                    ProcessPlacement* placement);

  const FileRoot files_;
  PageLocations& locations_;
  Pacer& pacer_;
  const MonotonicClock& clock_;
  const int64_t page_bytes_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_PLACEMENT_READER_H_
