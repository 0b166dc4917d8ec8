#include "common/memory_access/contended_lines.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "common/memory_access/contended_line_book.h"

namespace hftmon {
namespace {

constexpr size_t kLimitMin = 4;
constexpr uint64_t kPageBytesMin = 4096;

// What a table is ordered by.
uint64_t WeightOf(const AccessCounts& counts, LineOrder order) {
  switch (order) {
    case LineOrder::kCycles:
      return counts.contended_cycles;
    case LineOrder::kRemoteHitm:
      return counts.hitm_remote;
    case LineOrder::kTotalHitm:
      return counts.contended();
  }
  return 0;
}

struct Ranked {
  const LinePlace* place;
  const BookedLine* line;
};

// Dearest first. The place makes it a total order: what the lines were gathered in must not show.
void Rank(LineOrder order, std::vector<Ranked>* lines) {
  std::sort(lines->begin(), lines->end(), [order](const Ranked& a, const Ranked& b) {
    const AccessCounts& left = a.line->counts;
    const AccessCounts& right = b.line->counts;
    const auto rank = [order](const AccessCounts& counts) {
      const bool cycles_known = order != LineOrder::kCycles || counts.contended_latency_samples != 0;
      return std::tuple(cycles_known, WeightOf(counts, order), counts.contended());
    };
    if (rank(left) != rank(right)) return rank(left) > rank(right);
    return std::tie(a.line->address, *a.place) < std::tie(b.line->address, *b.place);
  });
}

std::vector<LineOffset> OffsetsOf(const BookedLine& booked) {
  std::vector<LineOffset> offsets;
  offsets.reserve(booked.offsets.size());
  auto site = booked.sites.begin();
  for (const BookedOffset& from : booked.offsets) {
    LineOffset& to = offsets.emplace_back();
    to.offset = from.offset;
    to.counts = from.counts;
    std::map<uint32_t, bool> wrote;  // by tid
    for (; site != booked.sites.end() && site->offset == from.offset; ++site) wrote[site->tid] |= site->counts.writes != 0;
    for (const auto& [tid, is_writer] : wrote) {
      to.tids.push_back(tid);
      if (is_writer) to.writer_tids.push_back(tid);
    }
  }
  return offsets;
}

std::vector<LineThread> ThreadsOf(const BookedLine& booked) {
  std::map<std::pair<uint32_t, uint32_t>, AccessCounts> counts;
  for (const LineSite& site : booked.sites) counts[{site.pid, site.tid}].Add(site.counts);
  std::vector<LineThread> threads;
  threads.reserve(counts.size());
  for (const auto& [thread, sum] : counts) threads.push_back({thread.first, thread.second, sum});
  std::stable_sort(threads.begin(), threads.end(), [](const LineThread& a, const LineThread& b) {
    return std::tuple(a.counts.contended(), a.counts.accesses) > std::tuple(b.counts.contended(), b.counts.accesses);
  });
  return threads;
}

std::vector<LineSite> SitesOf(const BookedLine& booked) {
  std::vector<LineSite> sites = booked.sites;
  std::stable_sort(sites.begin(), sites.end(), [](const LineSite& a, const LineSite& b) {
    return std::tuple(a.counts.contended(), a.counts.accesses) > std::tuple(b.counts.contended(), b.counts.accesses);
  });
  return sites;
}

std::vector<uint32_t> NodesOf(std::span<const uint32_t> cpus, std::span<const std::optional<uint32_t>> node_of_cpu) {
  std::vector<uint32_t> nodes;
  for (const uint32_t cpu : cpus) {
    if (cpu < node_of_cpu.size() && node_of_cpu[cpu].has_value()) nodes.push_back(*node_of_cpu[cpu]);
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

// `weigh` tells which accesses count.
template <typename Weigh>
SharingSplit SharingOf(const BookedLine& booked, Weigh weigh) {
  std::vector<OffsetContention> offsets;
  for (const BookedOffset& offset : booked.offsets) offsets.push_back({offset.offset, weigh(offset.counts), offset.writers});
  std::vector<ThreadContention> threads;
  for (const LineSite& site : booked.sites) threads.push_back({site.offset, site.tid, weigh(site.counts)});
  return JudgeSharing(weigh(booked.counts), offsets, threads);
}

uint64_t ContendedOf(const AccessCounts& counts) {
  return counts.contended();
}
uint64_t AccessesOf(const AccessCounts& counts) {
  return counts.accesses;
}

// By several threads, one of which writes.
bool IsShared(const BookedLine& booked) {
  if (booked.counts.writes == 0 || booked.sites.empty()) return false;
  const uint32_t first = booked.sites.front().tid;
  return std::any_of(booked.sites.begin(), booked.sites.end(), [first](const LineSite& site) { return site.tid != first; });
}

std::span<const LineSite> SitesAt(const ContendedLineBook& book, const LinePlace& place) {
  const BookedLine* const line = book.Find(place);
  if (line == nullptr) return {};
  return line->sites;
}

AdviceContext ContextOf(const ContendedLineBook& book, const LinePlace& place) {
  const uint32_t line_bytes = book.line_bytes();
  AdviceContext context{.line_bytes = line_bytes, .stores_recorded = book.total().stores != 0};
  // What is beside a line beyond its page is another's memory where the addresses are physical.
  const bool physical = place.space.kind == LineSpaceKind::kPhysical;
  const uint64_t before = place.address - line_bytes;
  const uint64_t after = place.address + line_bytes;
  const auto is_beside = [&](uint64_t address) { return !physical || address / kPageBytesMin == place.address / kPageBytesMin; };
  if (before < place.address && is_beside(before)) context.previous = SitesAt(book, {place.space, before});
  if (after > place.address && is_beside(after)) context.next = SitesAt(book, {place.space, after});
  return context;
}

// Without its sharing, which depends on what is asked.
ContendedLine LineOf(const Ranked& ranked, std::span<const std::optional<uint32_t>> node_of_cpu) {
  const BookedLine& booked = *ranked.line;
  ContendedLine line;
  line.place = *ranked.place;
  line.address = booked.address;
  line.counts = booked.counts;
  line.estimated_cycles = booked.counts.estimated_cycles();
  line.offsets = OffsetsOf(booked);
  line.sites = SitesOf(booked);
  line.threads = ThreadsOf(booked);
  line.cpus = booked.cpus;
  line.nodes = NodesOf(booked.cpus, node_of_cpu);
  line.dropped_site_accesses = booked.counts.accesses;
  for (const LineSite& site : booked.sites) line.dropped_site_accesses -= site.counts.accesses;
  line.cpus_dropped = booked.cpus_dropped;
  line.begin_missing = booked.begin_missing;
  return line;
}

double ShareOf(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void AddContended(const ContendedLineBook& book, std::vector<Ranked> ranked, std::span<const std::optional<uint32_t>> node_of_cpu,
                  size_t lines_max, ContendedLineTable* table) {
  table->contended_lines = ranked.size();
  Rank(table->order, &ranked);
  if (ranked.size() > lines_max) ranked.resize(lines_max);
  const uint64_t weight = WeightOf(table->total, table->order);
  table->lines.reserve(ranked.size());
  for (const Ranked& one : ranked) {
    ContendedLine& line = table->lines.emplace_back(LineOf(one, node_of_cpu));
    line.sharing = SharingOf(*one.line, ContendedOf);
    line.advice = AdviseOn(line, ContextOf(book, *one.place));
    line.share = ShareOf(WeightOf(line.counts, table->order), weight);
  }
}

void AddShared(std::vector<Ranked> shared, std::span<const std::optional<uint32_t>> node_of_cpu, size_t lines_max,
               ContendedLineTable* table) {
  table->shared_line_count = shared.size();
  std::sort(shared.begin(), shared.end(), [](const Ranked& a, const Ranked& b) {
    if (a.line->counts.accesses != b.line->counts.accesses) return a.line->counts.accesses > b.line->counts.accesses;
    return std::tie(a.line->address, *a.place) < std::tie(b.line->address, *b.place);
  });
  if (shared.size() > lines_max) shared.resize(lines_max);
  for (const Ranked& one : shared) {
    ContendedLine& line = table->shared_lines.emplace_back(LineOf(one, node_of_cpu));
    line.sharing = SharingOf(*one.line, AccessesOf);
    line.share = ShareOf(line.counts.accesses, table->total.accesses);
  }
}

// A total order: what the lines were gathered in must not show.
bool IsBusier(const BusyLine& a, const BusyLine& b) {
  return a.accesses != b.accesses ? a.accesses > b.accesses : a.address < b.address;
}

void AddBusy(std::vector<BusyLine> busy, ContendedLineTable* table) {
  table->busy_line_count = busy.size();
  const auto kept = busy.begin() + static_cast<std::ptrdiff_t>(std::min(busy.size(), ContendedLineTable::kBusyLinesMax));
  std::partial_sort(busy.begin(), kept, busy.end(), IsBusier);
  table->busy_lines.assign(busy.begin(), kept);
}

}  // namespace

bool ContendedLineLimits::Valid() const {
  return std::has_single_bit(line_bytes) && line_bytes >= kLineBytesMin && line_bytes <= kLineBytesMax && lines >= kLimitMin &&
         sites >= kLimitMin && sites_per_line >= kLimitMin && cpus_per_line >= kLimitMin;
}

ContendedLines::ContendedLines(const ContendedLineLimits& limits) : book_(std::make_unique<ContendedLineBook>(limits)) {
  assert(limits.Valid());
}
ContendedLines::~ContendedLines() = default;
ContendedLines::ContendedLines(ContendedLines&&) noexcept = default;
ContendedLines& ContendedLines::operator=(ContendedLines&&) noexcept = default;

void ContendedLines::Add(const MemoryAccess& access) {
  const std::optional<LinePlace> place = VirtualPlace(access);
  if (!access.source.IsAccess()) {
    ++no_access_;
  } else if (!place.has_value()) {
    ++no_address_;
  } else {
    book_->Add(access, *place);
  }
}

void ContendedLines::Add(const MemoryAccess& access, const LinePlace& place) {
  if (access.source.IsAccess()) {
    book_->Add(access, place);
  } else {
    ++no_access_;
  }
}

ContendedLineTable ContendedLines::Build(LineOrder order, std::span<const std::optional<uint32_t>> node_of_cpu, size_t lines_max) const {
  ContendedLineTable table{.total = book_->total(), .dropped = book_->dropped(), .dropped_lines = book_->dropped_lines()};
  table.no_address = no_address_;
  table.no_access = no_access_;
  table.line_bytes = book_->line_bytes();
  std::vector<Ranked> ranked;
  std::vector<Ranked> shared;
  std::vector<BusyLine> busy;
  book_->ForEach([&](const LinePlace& place, const BookedLine& line) {
    if (line.address != 0) {
      busy.push_back({.address = line.address,
                      .accesses = line.counts.accesses,
                      .loads = line.counts.loads,
                      .stores = line.counts.stores,
                      .loads_by_origin = line.loads_by_origin});
    }
    if (line.counts.contended() == 0) {
      table.uncontended.Add(line.counts);
      ++table.uncontended_lines;
      if (IsShared(line)) shared.push_back({&place, &line});
    } else {
      table.contended.Add(line.counts);
      ranked.push_back({&place, &line});
    }
  });
  const bool cycles_known = table.contended.contended_latency_samples != 0;
  table.order = order == LineOrder::kCycles && !cycles_known ? LineOrder::kTotalHitm : order;
  AddContended(*book_, std::move(ranked), node_of_cpu, lines_max, &table);
  AddShared(std::move(shared), node_of_cpu, lines_max, &table);
  AddBusy(std::move(busy), &table);
  return table;
}

size_t ContendedLines::size() const {
  return book_->size();
}

size_t ContendedLines::bytes() const {
  return book_->bytes();
}

}  // namespace hftmon
