#include "common/memory_access/sharing_evidence.h"

#include <algorithm>
#include <map>
#include <set>

namespace hftmon {
namespace {

bool IsReadMostly(const OffsetUse& use, const std::set<uint32_t>& line_writers) {
  if (!use.writer_tids.empty()) return false;
  return use.threads.size() > 1 || !line_writers.contains(use.threads.front().tid);
}

}  // namespace

std::vector<uint32_t> OffsetUse::owner_tids() const {
  if (!writer_tids.empty()) return writer_tids;
  std::vector<uint32_t> tids;
  for (const ThreadUse& thread : threads) tids.push_back(thread.tid);
  return tids;
}

std::vector<OffsetUse> SharingEvidence(std::span<const LineSite> sites) {
  std::map<uint16_t, std::map<uint32_t, AccessCounts>> counts;  // by offset, then tid
  for (const LineSite& site : sites) counts[site.offset][site.tid].Add(site.counts);
  std::vector<OffsetUse> uses;
  uses.reserve(counts.size());
  std::set<uint32_t> line_writers;
  WriterSet of_line;
  for (const auto& [offset, threads] : counts) {
    OffsetUse& use = uses.emplace_back();
    use.offset = offset;
    for (const auto& [tid, sum] : threads) {
      use.threads.push_back({.tid = tid, .counts = sum});
      if (sum.writes == 0) continue;
      use.writer_tids.push_back(tid);
      line_writers.insert(tid);
      of_line.Add(tid);
    }
  }
  for (OffsetUse& use : uses) {
    WriterSet at_offset;
    for (const uint32_t tid : use.writer_tids) at_offset.Add(tid);
    for (ThreadUse& thread : use.threads) thread.sharing = JudgeAccess(thread.tid, at_offset, of_line);
    use.read_mostly = IsReadMostly(use, line_writers);
  }
  return uses;
}

}  // namespace hftmon
