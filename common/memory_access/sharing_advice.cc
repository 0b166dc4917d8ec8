#include "common/memory_access/sharing_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "common/counted.h"
#include "common/memory_access/contended_line.h"
#include "common/memory_access/sharing_evidence.h"

namespace hftmon {
namespace {

constexpr size_t kListedMax = 4;

// Accesses that wait for one reason, and would not after one change.
struct Group {
  std::vector<const OffsetUse*> offsets;
  AccessCounts counts;

  bool empty() const { return offsets.empty(); }
  void Add(const OffsetUse& use, const ThreadUse& thread) {
    if (offsets.empty() || offsets.back() != &use) offsets.push_back(&use);
    counts.Add(thread.counts);
  }
};

struct Groups {
  Group parts;        // different threads' parts of the line
  Group read_mostly;  // only read, beside written fields
  Group copies;       // written by several threads
  Group published;    // written by one, read by others
  Group no_writer;
};

Groups GroupsOf(const std::vector<OffsetUse>& uses) {
  Groups groups;
  for (const OffsetUse& use : uses) {
    for (const ThreadUse& thread : use.threads) {
      if (thread.counts.contended() == 0) continue;
      switch (thread.sharing) {
        case AccessSharing::kFalse:
          (use.read_mostly ? groups.read_mostly : groups.parts).Add(use, thread);
          break;
        case AccessSharing::kTrue:
          (use.writer_tids.size() > 1 ? groups.copies : groups.published).Add(use, thread);
          break;
        case AccessSharing::kNoWriter:
          groups.no_writer.Add(use, thread);
          break;
      }
    }
  }
  return groups;
}

// "a, b, c, d and 3 more".
std::string Listed(const std::vector<std::string>& items) {
  const size_t listed = std::min(items.size(), kListedMax);
  std::string text = fmt::format("{}", fmt::join(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(listed), ", "));
  return listed == items.size() ? text : fmt::format("{} and {} more", text, items.size() - listed);
}

std::string Threads(const std::vector<uint32_t>& tids) {
  std::vector<std::string> items;
  for (const uint32_t tid : tids) items.push_back(fmt::format("{}", tid));
  return fmt::format("{} {}", tids.size() == 1 ? "thread" : "threads", Listed(items));
}

std::string Offsets(const std::vector<uint16_t>& offsets) {
  std::vector<std::string> items;
  for (const uint16_t offset : offsets) items.push_back(fmt::format("{:#x}", offset));
  return Listed(items);
}

std::vector<uint16_t> OffsetsOf(const Group& group) {
  std::vector<uint16_t> offsets;
  for (const OffsetUse* use : group.offsets) offsets.push_back(use->offset);
  return offsets;
}

std::vector<uint32_t> WritersOf(const std::vector<const OffsetUse*>& uses) {
  std::set<uint32_t> tids;
  for (const OffsetUse* use : uses) tids.insert(use->writer_tids.begin(), use->writer_tids.end());
  return {tids.begin(), tids.end()};
}

// "1030 of 1030 HITM, about 120,345 cycles,".
std::string Weight(const Group& group, const ContendedLine& line) {
  const std::string_view noun = line.counts.peer == 0 ? "HITM" : "HITM and peer accesses";
  std::string text = fmt::format("{} of {} {}", group.counts.contended(), line.counts.contended(), noun);
  const std::optional<uint64_t> cycles = group.counts.estimated_cycles();
  if (cycles.has_value()) text += fmt::format(", about {} cycles,", *cycles);
  return text;
}

SharingAdvice Advice(AdviceKind kind, const Group& group, std::string text) {
  return {.kind = kind,
          .offsets = OffsetsOf(group),
          .contended = group.counts.contended(),
          .estimated_cycles = group.counts.estimated_cycles(),
          .text = std::move(text)};
}

// A stretch of the line that belongs to the same threads.
struct Part {
  std::vector<uint32_t> tids;
  std::vector<uint16_t> offsets;
};

// In the order of the line; what is only read is nobody's.
std::vector<Part> PartsOf(const std::vector<OffsetUse>& uses) {
  std::vector<Part> parts;
  for (const OffsetUse& use : uses) {
    if (use.read_mostly) continue;
    std::vector<uint32_t> owners = use.owner_tids();
    if (parts.empty() || parts.back().tids != owners) parts.push_back({.tids = std::move(owners)});
    parts.back().offsets.push_back(use.offset);
  }
  return parts;
}

bool Interleave(const std::vector<Part>& parts) {
  std::set<std::vector<uint32_t>> owners;
  for (const Part& part : parts) owners.insert(part.tids);
  return owners.size() < parts.size();
}

std::string PartsText(const std::vector<Part>& parts) {
  std::vector<std::string> items;
  for (const Part& part : parts) items.push_back(fmt::format("{} of {}", Offsets(part.offsets), Threads(part.tids)));
  return Listed(items);
}

// Whether a neighbour line's part from `edge` on (or below it) is used by that thread alone, and the rest not by it.
bool IsPartOf(std::span<const LineSite> sites, uint32_t tid, bool from_edge_on, uint16_t edge) {
  return std::all_of(sites.begin(), sites.end(),
                     [&](const LineSite& site) { return ((site.offset >= edge) == from_edge_on) == (site.tid == tid); });
}

// Objects of a line's size lie across the lines' edges: the lower thread's begins in the line before, the upper one's goes on in the next.
bool LiesAcrossEdges(const std::vector<Part>& parts, const AdviceContext& context) {
  if (parts.size() != 2 || parts[0].tids.size() != 1 || parts[1].tids.size() != 1) return false;
  const uint16_t edge = parts[1].offsets.front();
  const auto uses = [](std::span<const LineSite> sites, uint32_t tid) {
    return std::any_of(sites.begin(), sites.end(), [tid](const LineSite& site) { return site.tid == tid; });
  };
  const uint32_t lower = parts[0].tids.front();
  const uint32_t upper = parts[1].tids.front();
  // Only what these two use tells where their objects lie; further threads have the lines beyond.
  const bool before = uses(context.previous, lower);
  const bool after = uses(context.next, upper);
  if (before && !IsPartOf(context.previous, lower, true, edge)) return false;
  if (after && !IsPartOf(context.next, upper, false, edge)) return false;
  return before || after;
}

SharingAdvice OnParts(const Group& group, const std::vector<OffsetUse>& uses, const ContendedLine& line, const AdviceContext& context) {
  const std::vector<Part> parts = PartsOf(uses);
  const std::string why = fmt::format("{} are of fields that other threads leave alone while they write elsewhere in the line ({})",
                                      Weight(group, line), PartsText(parts));
  if (Interleave(parts)) {
    return Advice(AdviceKind::kSplit, group,
                  fmt::format("{}: group the fields by the thread that uses them, and begin each group on a line of its own, alignas({})",
                              why, context.line_bytes));
  }
  if (LiesAcrossEdges(parts, context)) {
    return Advice(AdviceKind::kAlign, group,
                  fmt::format("{}, and in the neighbouring line their objects go on: begun at a line's edge, alignas({}), each has its own",
                              why, context.line_bytes));
  }
  return Advice(
      AdviceKind::kPad, group,
      fmt::format("{}: pad, so that each thread's fields begin on a line of their own, alignas({}); twice that where the CPU fetches "
                  "lines in pairs",
                  why, context.line_bytes));
}

SharingAdvice OnReadMostly(const Group& group, const std::vector<OffsetUse>& uses, const ContendedLine& line) {
  std::vector<const OffsetUse*> written;
  std::vector<uint16_t> written_offsets;
  for (const OffsetUse& use : uses) {
    if (use.writer_tids.empty()) continue;
    written.push_back(&use);
    written_offsets.push_back(use.offset);
  }
  return Advice(
      AdviceKind::kSeparateReadMostly, group,
      fmt::format("{} are of fields that are only read ({}), beside {}, written by {}: move the read ones to a line that nobody writes",
                  Weight(group, line), Offsets(OffsetsOf(group)), Offsets(written_offsets), Threads(WritersOf(written))));
}

SharingAdvice OnCopies(const Group& group, const ContendedLine& line) {
  AccessCounts all;
  for (const OffsetUse* use : group.offsets) {
    for (const ThreadUse& thread : use->threads) all.Add(thread.counts);
  }
  return Advice(
      AdviceKind::kPerThreadCopies, group,
      fmt::format("{} are of {}, which {} write ({}, {} of them locked): of a counter keep one copy for each thread, each on its own line, "
                  "and sum them up where it is read; of a lock or a queue's end have one for fewer threads",
                  Weight(group, line), Offsets(OffsetsOf(group)), Threads(WritersOf(group.offsets)), Counted(all.writes, "sampled write"),
                  all.locked));
}

SharingAdvice OnPublished(const Group& group, const ContendedLine& line) {
  std::set<uint32_t> readers;
  for (const OffsetUse* use : group.offsets) {
    for (const ThreadUse& thread : use->threads) {
      if (thread.sharing == AccessSharing::kTrue && thread.counts.contended() != 0) readers.insert(thread.tid);
    }
  }
  const std::string who =
      fmt::format("written by {}, waited for by {}", Threads(WritersOf(group.offsets)), Threads({readers.begin(), readers.end()}));
  return Advice(
      AdviceKind::kWriteLess, group,
      fmt::format("{} are of {}, {}, no offset by more than one writer: no layout mends that; write or read it less often, or many "
                  "values at once",
                  Weight(group, line), Offsets(OffsetsOf(group)), who));
}

SharingAdvice OnNoWriter(const Group& group, const ContendedLine& line, const AdviceContext& context) {
  std::string_view mend = "stores were recorded, but none of this line by another thread: record all CPUs, for longer or at a higher rate";
  if (!context.stores_recorded) {
    mend = "no store of any line was recorded: record stores too (perf c2c record does), else true and false sharing cannot be told apart";
  } else if (line.counts.hitm() == 0) {
    mend = "stores were recorded, but none of this line: what comes from a peer may be clean, and then nobody needs to mend it";
  }
  return Advice(AdviceKind::kRecordStores, group,
                fmt::format("{} are without a writer ({} at {}): {}", Weight(group, line), Counted(line.threads.size(), "thread"),
                            Offsets(OffsetsOf(group)), mend));
}

}  // namespace

std::string_view AdviceKindName(AdviceKind kind) {
  switch (kind) {
    case AdviceKind::kPad:
      return "pad";
    case AdviceKind::kAlign:
      return "align";
    case AdviceKind::kSplit:
      return "split";
    case AdviceKind::kSeparateReadMostly:
      return "separate_read_mostly";
    case AdviceKind::kPerThreadCopies:
      return "per_thread_copies";
    case AdviceKind::kWriteLess:
      return "write_less";
    case AdviceKind::kRecordStores:
      return "record_stores";
  }
  return "record_stores";
}

std::vector<SharingAdvice> AdviseOn(const ContendedLine& line, const AdviceContext& context) {
  const std::vector<OffsetUse> uses = SharingEvidence(line.sites);
  const Groups groups = GroupsOf(uses);
  std::vector<SharingAdvice> advice;
  if (!groups.parts.empty()) advice.push_back(OnParts(groups.parts, uses, line, context));
  if (!groups.read_mostly.empty()) advice.push_back(OnReadMostly(groups.read_mostly, uses, line));
  if (!groups.copies.empty()) advice.push_back(OnCopies(groups.copies, line));
  if (!groups.published.empty()) advice.push_back(OnPublished(groups.published, line));
  // Where sites were dropped the writer may have been among them.
  if (advice.empty() && !groups.no_writer.empty() && line.dropped_site_accesses == 0) {
    advice.push_back(OnNoWriter(groups.no_writer, line, context));
  }
  std::stable_sort(advice.begin(), advice.end(), [](const SharingAdvice& a, const SharingAdvice& b) {
    return std::tuple(a.estimated_cycles, a.contended) > std::tuple(b.estimated_cycles, b.contended);
  });
  return advice;
}

}  // namespace hftmon
