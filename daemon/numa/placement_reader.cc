#include "daemon/numa/placement_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "daemon/numa/huge_page_use.h"
#include "daemon/numa/numa_maps.h"
#include "daemon/os/proc_statm.h"

namespace hftmon {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

absl::Status CheckRanges(std::span<const AddressRange> ranges) {
  if (ranges.size() > kPlacementRangesMax) {
    return absl::InvalidArgumentError(fmt::format("{} ranges are too many: {} can be asked for", ranges.size(), kPlacementRangesMax));
  }
  for (const AddressRange& range : ranges) {
    if (range.start >= range.end || range.end > kUserSpaceEnd) {
      return absl::InvalidArgumentError(
          fmt::format("range '{}' from {:#x} to {:#x} is no memory of a program", range.name, range.start, range.end));
    }
  }
  return absl::OkStatus();
}

absl::Status Check(const PlacementWish& wish) {
  if (wish.pid <= 0) return absl::InvalidArgumentError(fmt::format("process {} is none: a number above 0 names one", wish.pid));
  if (wish.pages_max < 1 || wish.pages_max > kSamplePagesMax) {
    return absl::InvalidArgumentError(fmt::format("{} pages cannot be looked at: 1 to {} can", wish.pages_max, kSamplePagesMax));
  }
  if (wish.addresses.size() > kPlacementAddressesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{} addresses are too many: {} can be asked for", wish.addresses.size(), kPlacementAddressesMax));
  }
  const absl::Status checked = CheckRanges(wish.ranges);
  return checked.ok() ? CheckRanges(wish.named_ranges) : checked;
}

absl::Status Ended(pid_t pid) {
  return absl::NotFoundError(fmt::format("process {} is not there, or ended while it was looked at", pid));
}

absl::Status MayNot(pid_t pid, std::string_view cause) {
  return absl::PermissionDeniedError(fmt::format(
      "where the memory of process {} lies may not be known ({}): it takes CAP_SYS_PTRACE in the process's user namespace, and no "
      "security module that refuses",
      pid, cause));
}

// Of one that had mappings a moment ago.
absl::Status StatusOfLocate(pid_t pid, int error) {
  switch (-error) {
    case ESRCH:
    case EINVAL:
      return Ended(pid);
    case EPERM:
    case EACCES:
      return MayNot(pid, "move_pages is refused");
    case ENOSYS:
      return absl::UnavailableError(
          "this kernel does not tell where pages lie (move_pages): one with CONFIG_NUMA and CONFIG_MIGRATION does");
    default:
      return absl::ErrnoToStatus(-error, fmt::format("cannot ask where pages of process {} lie", pid));
  }
}

// Why numa_maps and smaps are not read; absent: they are.
std::optional<std::string> WhyNotWhole(const PlacementWish& wish, size_t mapping_count, const absl::StatusOr<std::string>& statm,
                                       int64_t page_bytes) {
  if (mapping_count > kWholeMappingsMax) {
    return fmt::format(
        "numa_maps and smaps are not read: with {} mappings, more than {}, they would hold up its memory calls for seconds: take the "
        "sample",
        mapping_count, kWholeMappingsMax);
  }
  if (!statm.ok()) return std::string(statm.status().message());
  const absl::StatusOr<ProcStatm> memory = ParseProcStatm(*statm);
  if (!memory.ok()) return std::string(memory.status().message());
  const int64_t resident_bytes = memory->resident_pages * page_bytes;
  if (resident_bytes <= wish.small_rss_bytes_max) return std::nullopt;
  if (!wish.exact) {
    return fmt::format(
        "numa_maps and smaps are not read: with {} MiB resident they hold up its memory calls for some {} ms each; ask for exact",
        resident_bytes / kMebibyte, resident_bytes * 13 / (1024 * kMebibyte) + 1);
  }
  if (resident_bytes <= wish.exact_rss_bytes_max) return std::nullopt;
  return fmt::format("{} MiB are resident, more than the {} up to which numa_maps and smaps may be read: allow more, or take the sample",
                     resident_bytes / kMebibyte, wish.exact_rss_bytes_max / kMebibyte);
}

// What is sampled of the rows; of exact ones nothing.
std::vector<SampledRegion> RegionsOf(std::span<const MappingPlacement> rows, uint64_t page_bytes) {
  std::vector<SampledRegion> regions;
  regions.reserve(rows.size());
  for (const MappingPlacement& row : rows) {
    regions.push_back({.start = row.start / page_bytes * page_bytes, .page_count = row.exact ? 0 : row.page_count});
  }
  return regions;
}

// Adds the call that began then to the cost.
void AddCall(int64_t begin_ns, int64_t end_ns, LookCost* cost) {
  ++cost->call_count;
  cost->sum_ns += end_ns - begin_ns;
  cost->longest_ns = std::max(cost->longest_ns, end_ns - begin_ns);
}

}  // namespace

PlacementReader::PlacementReader(FileRoot files, PageLocations& locations, Pacer& pacer, const MonotonicClock& clock, int64_t page_bytes)
    : files_(std::move(files)), locations_(locations), pacer_(pacer), clock_(clock), page_bytes_(page_bytes) {}

absl::StatusOr<std::string> PlacementReader::ReadText(pid_t pid, const char* name, size_t bytes_max, LookCost* cost) const {
  const int64_t begin_ns = clock_.NowNs();
  absl::StatusOr<std::string> text = files_.ReadFile(fmt::format("/proc/{}/{}", pid, name), bytes_max);
  AddCall(begin_ns, clock_.NowNs(), cost);
  return text;
}

absl::StatusOr<ProcMaps> PlacementReader::ReadMaps(pid_t pid, LookCost* cost) const {
  const absl::StatusOr<std::string> text = ReadText(pid, "maps", ProcMaps::kBytesMax, cost);
  if (absl::IsNotFound(text.status())) return Ended(pid);
  if (absl::IsPermissionDenied(text.status())) return MayNot(pid, std::string(text.status().message()));
  if (!text.ok()) return text.status();
  return ProcMaps::Parse(*text);
}

absl::StatusOr<ProcessPlacement> PlacementReader::Read(const PlacementWish& wish) {
  if (const absl::Status valid = Check(wish); !valid.ok()) return valid;
  ProcessPlacement placement{.seed = wish.seed, .begin_ns = clock_.NowNs()};
  const absl::StatusOr<ProcMaps> maps = ReadMaps(wish.pid, &placement.look_cost);
  if (!maps.ok()) return maps.status();
  if (maps->mappings().empty()) {
    return absl::FailedPreconditionError(
        fmt::format("process {} has no memory of its own: it is a kernel thread, or it has ended and waits for its parent", wish.pid));
  }
  if (wish.ranges.empty()) {
    PutMappings(*maps, page_bytes_, &placement);
  } else {
    PutRanges(*maps, wish.ranges, page_bytes_, &placement.mappings);
  }
  PutRanges(*maps, wish.named_ranges, page_bytes_, &placement.ranges);
  // It takes no lock of the process.
  const absl::StatusOr<std::string> statm = files_.ReadFile(fmt::format("/proc/{}/statm", wish.pid));
  if (const std::optional<std::string> why = WhyNotWhole(wish, maps->mappings().size(), statm, page_bytes_)) {
    for (const char* part : {"policy", "huge_pages"}) placement.unavailable.push_back({.part = part, .reason = *why});
    if (wish.exact) placement.unavailable.push_back({.part = "exact", .reason = *why});
  } else {
    ReadWhole(wish, *maps, &placement);
  }
  if (const absl::Status walked = Walk(wish, *maps, &placement); !walked.ok()) return walked;
  placement.end_ns = clock_.NowNs();
  return placement;
}

void PlacementReader::ReadWhole(const PlacementWish& wish, const ProcMaps& maps, ProcessPlacement* placement) const {
  const absl::StatusOr<std::string> numa_maps = ReadText(wish.pid, "numa_maps", kNumaMapsBytesMax, &placement->look_cost);
  if (numa_maps.ok()) {
    AddNumaMaps(ParseNumaMaps(*numa_maps), maps, page_bytes_, placement);
  } else {
    const std::string reason = fmt::format("{} (a kernel without CONFIG_NUMA has none)", std::string(numa_maps.status().message()));
    placement->unavailable.push_back({.part = "policy", .reason = reason});
    if (wish.exact) placement->unavailable.push_back({.part = "exact", .reason = reason});
  }
  const absl::StatusOr<std::string> smaps = ReadText(wish.pid, "smaps", kSmapsBytesMax, &placement->look_cost);
  if (smaps.ok()) {
    AddHugePages(ParseHugePageUse(*smaps), placement);
  } else {
    placement->unavailable.push_back({.part = "huge_pages", .reason = std::string(smaps.status().message())});
  }
}

absl::Status PlacementReader::Walk(const PlacementWish& wish, const ProcMaps& maps, ProcessPlacement* placement) {
  const auto page_bytes = static_cast<uint64_t>(page_bytes_);
  const PlacementSample sample = ChoosePages(RegionsOf(placement->mappings, page_bytes), page_bytes, wish.pages_max, wish.seed);
  const PlacementSample named =
      ChoosePages(RegionsOf(placement->ranges, page_bytes), page_bytes, kNamedPagesMax, wish.seed, kNamedRangePagesMax);
  placement->left_out_count = sample.left_out_count;
  if (sample.pages.empty() && named.pages.empty() && wish.addresses.empty()) return absl::OkStatus();
  absl::Status looked = LookAtRows(wish, sample, wish.keep_pages, placement->mappings, placement);
  const uint64_t within_bound_count = placement->look_cost.page_count;
  if (looked.ok()) looked = LookAtRows(wish, named, false, placement->ranges, placement);
  if (looked.ok()) looked = LookAtAddresses(wish, placement);
  placement->look_cost.beside_page_count = placement->look_cost.page_count - within_bound_count;
  if (!looked.ok()) return looked;
  const absl::StatusOr<ProcMaps> after = ReadMaps(wish.pid, &placement->look_cost);
  if (!after.ok()) return after.status();
  if (after->mappings().empty()) return Ended(wish.pid);
  if (!AnythingStays(maps, *after)) {
    return absl::AbortedError(fmt::format(
        "process {} became another program while it was looked at (exec, or its number is another's now): ask again", wish.pid));
  }
  MarkChanged(maps, *after, placement->mappings);
  MarkChanged(maps, *after, placement->ranges);
  return absl::OkStatus();
}

absl::Status PlacementReader::LookAtRows(const PlacementWish& wish, const PlacementSample& sample, bool keep_pages,
                                         std::span<MappingPlacement> rows, ProcessPlacement* placement) {
  PlacementTally tally(rows.size());
  const std::span<const SampledPage> pages = sample.pages;
  for (size_t done = 0; done < pages.size(); done += kLocatedPagesMax) {
    const absl::Status looked =
        Look(wish, pages.subspan(done, std::min(kLocatedPagesMax, pages.size() - done)), keep_pages, &tally, placement);
    if (!looked.ok()) return looked;
  }
  tally.Finish(rows);
  return absl::OkStatus();
}

absl::Status PlacementReader::LookAtAddresses(const PlacementWish& wish, ProcessPlacement* placement) {
  const auto page_bytes = static_cast<uint64_t>(page_bytes_);
  std::vector<uint64_t> pages;
  pages.reserve(wish.addresses.size());
  for (const uint64_t address : wish.addresses) pages.push_back(address / page_bytes * page_bytes);
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  std::vector<int> nodes(pages.size());
  for (size_t done = 0; done < pages.size(); done += kLocatedPagesMax) {
    const size_t count = std::min(kLocatedPagesMax, pages.size() - done);
    const absl::Status located =
        Locate(wish, std::span(pages).subspan(done, count), std::span(nodes).subspan(done, count), &placement->look_cost);
    if (!located.ok()) return located;
  }
  for (size_t i = 0; i < pages.size(); ++i) placement->asked_pages.push_back({.address = pages[i], .node = nodes[i]});
  return absl::OkStatus();
}

absl::Status PlacementReader::Locate(const PlacementWish& wish, std::span<const uint64_t> addresses, std::span<int> nodes, LookCost* cost) {
  if (cost->page_count > 0 && !pacer_.Pause()) {
    return absl::CancelledError(fmt::format("the look at process {} was given up after {} pages", wish.pid, cost->page_count));
  }
  const int64_t begin_ns = clock_.NowNs();
  const int error = locations_.Locate(wish.pid, addresses, nodes);
  AddCall(begin_ns, clock_.NowNs(), cost);
  cost->page_count += addresses.size();
  return error == 0 ? absl::OkStatus() : StatusOfLocate(wish.pid, error);
}

absl::Status PlacementReader::Look(const PlacementWish& wish, std::span<const SampledPage> pages, bool keep_pages, PlacementTally* tally,
                                   ProcessPlacement* placement) {
  std::array<uint64_t, kLocatedPagesMax> addresses{};
  std::array<int, kLocatedPagesMax> nodes{};
  for (size_t i = 0; i < pages.size(); ++i) addresses[i] = pages[i].address;
  const absl::Status located =
      Locate(wish, std::span(addresses).first(pages.size()), std::span(nodes).first(pages.size()), &placement->look_cost);
  if (!located.ok()) return located;
  for (size_t i = 0; i < pages.size(); ++i) {
    tally->Add(pages[i].region, nodes[i]);
    if (keep_pages) placement->pages.push_back({.address = addresses[i], .node = nodes[i]});
  }
  return absl::OkStatus();
}

}  // namespace hftmon
