#include "common/memory_access/contended_line_book.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace hftmon {
namespace {

// What goes when there is no room: a quarter at a time, so that making room costs little for each access.
size_t KeptOf(size_t limit) {
  return limit - limit / 4;
}

auto KeyOf(const LineSite& site) {
  return std::tie(site.offset, site.pid, site.tid, site.code_address);
}

// Least worth keeping first.
bool IsLesserSite(const LineSite& a, const LineSite& b) {
  const auto rank = [](const LineSite& site) { return std::tuple(site.counts.contended(), site.counts.writes, site.counts.accesses); };
  return rank(a) != rank(b) ? rank(a) < rank(b) : KeyOf(a) > KeyOf(b);
}

bool OfSeveralThreads(const BookedLine& line) {
  return std::any_of(line.sites.begin(), line.sites.end(), [&](const LineSite& site) { return site.tid != line.sites.front().tid; });
}

}  // namespace

// A line that may go: least worth keeping first.
struct ContendedLineBook::Candidate {
  uint64_t contended = 0;
  bool several_threads = false;
  uint64_t accesses = 0;
  LinePlace place;

  auto operator<=>(const Candidate&) const = default;
};

void ContendedLineBook::Add(const MemoryAccess& access, const LinePlace& place) {
  if (SitesFull()) MakeRoom();
  total_.Add(access);
  const auto offset = static_cast<uint16_t>(place.address & (limits_.line_bytes - 1));
  BookedLine& line = LineAt({place.space, place.address - offset});
  line.counts.Add(access);
  if (access.source.load) ++line.loads_by_origin[static_cast<size_t>(OriginOf(access.source))];
  if (access.address != 0) {
    const uint64_t begin = access.address & ~uint64_t{limits_.line_bytes - 1};
    if (line.address == 0 || begin < line.address) line.address = begin;
  }
  AddToOffset(access, offset, &line);
  AddToSite(access, offset, &line);
  if (access.cpu.has_value()) AddCpu(*access.cpu, &line);
}

BookedLine& ContendedLineBook::LineAt(const LinePlace& begin) {
  const auto found = lines_.find(begin);
  if (found != lines_.end()) return *found->second;
  if (lines_.size() >= limits_.lines) MakeRoom();
  std::unique_ptr<BookedLine>& line = lines_[begin];
  line = std::make_unique<BookedLine>();
  line->begin_missing = dropped_lines_ != 0;
  return *line;
}

void ContendedLineBook::AddToOffset(const MemoryAccess& access, uint16_t offset, BookedLine* line) {
  auto at = std::lower_bound(line->offsets.begin(), line->offsets.end(), offset,
                             [](const BookedOffset& booked, uint16_t wanted) { return booked.offset < wanted; });
  if (at == line->offsets.end() || at->offset != offset) {
    at = line->offsets.insert(at, BookedOffset{.offset = offset});
    ++held_offsets_;
  }
  at->counts.Add(access);
  if (IsWrite(access)) at->writers.Add(access.tid);
}

void ContendedLineBook::AddToSite(const MemoryAccess& access, uint16_t offset, BookedLine* line) {
  const LineSite wanted{.offset = offset, .pid = access.pid, .tid = access.tid, .code_address = access.code_address};
  const auto place_of = [&] {
    return std::lower_bound(line->sites.begin(), line->sites.end(), wanted,
                            [](const LineSite& a, const LineSite& b) { return KeyOf(a) < KeyOf(b); });
  };
  auto at = place_of();
  if (at == line->sites.end() || KeyOf(*at) != KeyOf(wanted)) {
    if (line->sites.size() >= limits_.sites_per_line) {
      DropSomeSites(line);
      at = place_of();
    }
    at = line->sites.insert(at, wanted);
    ++held_sites_;
  }
  at->counts.Add(access);
}

// The lowest ones stay, so that the order of the accesses does not matter.
void ContendedLineBook::AddCpu(uint32_t cpu, BookedLine* line) const {
  std::vector<uint32_t>& cpus = line->cpus;
  const auto at = std::lower_bound(cpus.begin(), cpus.end(), cpu);
  if (at != cpus.end() && *at == cpu) return;
  cpus.insert(at, cpu);
  if (cpus.size() <= limits_.cpus_per_line) return;
  cpus.pop_back();
  line->cpus_dropped = true;
}

void ContendedLineBook::MakeRoom() {
  std::vector<Candidate> candidates;
  candidates.reserve(lines_.size());
  for (const auto& [place, line] : lines_) {
    candidates.push_back({line->counts.contended(), OfSeveralThreads(*line), line->counts.accesses, place});
  }
  std::sort(candidates.begin(), candidates.end());
  const size_t lines_kept = lines_.size() >= limits_.lines ? KeptOf(limits_.lines) : limits_.lines;
  const size_t sites_kept = SitesFull() ? KeptOf(limits_.sites) : limits_.sites;
  for (const Candidate& candidate : candidates) {
    if (lines_.size() <= lines_kept && held_sites_ <= sites_kept && held_offsets_ <= sites_kept) return;
    if (candidate.contended == 0 || lines_.size() > lines_kept) {
      Drop(candidate.place);
    } else {
      DropAllSites(lines_.at(candidate.place).get());
    }
  }
}

void ContendedLineBook::Drop(const LinePlace& place) {
  const auto found = lines_.find(place);
  BookedLine& line = *found->second;
  dropped_.Add(line.counts);
  ++dropped_lines_;
  held_sites_ -= line.sites.size();
  held_offsets_ -= line.offsets.size();
  lines_.erase(found);
}

void ContendedLineBook::DropSomeSites(BookedLine* line) {
  std::vector<LineSite>& sites = line->sites;
  const auto kept = sites.begin() + static_cast<std::ptrdiff_t>(sites.size() - KeptOf(limits_.sites_per_line));
  std::nth_element(sites.begin(), kept, sites.end(), IsLesserSite);
  held_sites_ -= static_cast<size_t>(kept - sites.begin());
  sites.erase(sites.begin(), kept);
  std::sort(sites.begin(), sites.end(), [](const LineSite& a, const LineSite& b) { return KeyOf(a) < KeyOf(b); });
}

void ContendedLineBook::DropAllSites(BookedLine* line) {
  held_sites_ -= line->sites.size();
  held_offsets_ -= line->offsets.size();
  line->sites = {};
  line->offsets = {};
  line->begin_missing = true;
}

size_t ContendedLineBook::bytes() const {
  size_t bytes = sizeof(*this) + lines_.capacity() * (sizeof(std::pair<LinePlace, void*>) + 1);
  for (const auto& [place, line] : lines_) {
    bytes += sizeof(BookedLine) + line->offsets.capacity() * sizeof(BookedOffset) + line->sites.capacity() * sizeof(LineSite) +
             line->cpus.capacity() * sizeof(uint32_t);
  }
  return bytes;
}

const BookedLine* ContendedLineBook::Find(const LinePlace& place) const {
  const auto found = lines_.find(place);
  return found == lines_.end() ? nullptr : found->second.get();
}

}  // namespace hftmon
