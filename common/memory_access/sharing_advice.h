// SharingAdvice: what to change about a contended line, from what its samples show. Pure functions, any thread.
#ifndef HFTMON_COMMON_MEMORY_ACCESS_SHARING_ADVICE_H_
#define HFTMON_COMMON_MEMORY_ACCESS_SHARING_ADVICE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/memory_access/line_site.h"

namespace hftmon {

struct ContendedLine;

enum class AdviceKind : uint8_t {
  kPad,                 // each thread has its own part of the line: give each its own line
  kAlign,               // as kPad, and they would have, did the object begin at a line's edge
  kSplit,               // the parts of different threads lie between each other: group by thread, then pad
  kSeparateReadMostly,  // fields that are only read lie beside written ones: move them to a line of their own
  kPerThreadCopies,     // several threads write the same field: a copy each, summed up by the reader
  kWriteLess,           // one thread writes what others read: no layout mends that, fewer writes or reads do
  kRecordStores,        // the writer was not seen: record stores too
};

// "pad", "align", "split", "separate_read_mostly", "per_thread_copies", "write_less", "record_stores".
std::string_view AdviceKindName(AdviceKind kind);

struct SharingAdvice {
  AdviceKind kind = AdviceKind::kRecordStores;
  std::vector<uint16_t> offsets;             // whose accesses wait and would not; ascending
  uint64_t contended = 0;                    // HITM and peer accesses of the samples that it is about
  std::optional<uint64_t> estimated_cycles;  // of those, like ContendedLine::estimated_cycles
  std::string text;                          // a sentence for people, with its numbers; no names but numbers in it
};

// What is known beside the line itself.
struct AdviceContext {
  uint32_t line_bytes = 64;
  bool stores_recorded = false;        // of any line
  std::span<const LineSite> previous;  // sites of the lines before and after it in memory, contended or not; empty where they are not known
  std::span<const LineSite> next;
};

// From the line's counts, sharing, offsets and sites; what takes away most cycles (contended accesses, where cycles are not known) stands
// first. Empty only where the sites of all contended accesses were dropped.
std::vector<SharingAdvice> AdviseOn(const ContendedLine& line, const AdviceContext& context);

}  // namespace hftmon

#endif  // HFTMON_COMMON_MEMORY_ACCESS_SHARING_ADVICE_H_
