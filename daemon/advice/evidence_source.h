// EvidenceSource: the seam between who makes facts and who judges them. Implemented by the producers (daemon/service/evidence), faked in
// tests.
//
// A producer's duties: every fact keeps the schema (CheckFact); every figure is of the window alone, never since watching began (a sum is
// the difference of two snapshots, and where a pair of snapshots breaks the window is shorter and the fact `truncated`); what it could not
// look at is told as MissingEvidence, so that no rule is silent by accident; it changes nothing on the host.
#ifndef HFTMON_DAEMON_ADVICE_EVIDENCE_SOURCE_H_
#define HFTMON_DAEMON_ADVICE_EVIDENCE_SOURCE_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/advice/fact.h"
#include "daemon/advice/judge_window.h"

namespace hftmon {

struct EvidenceWish {
  std::vector<uint32_t> pids;            // targets; empty: all
  int64_t window_ns = 60'000'000'000;    // ends now
  std::optional<int64_t> begin_mono_ns;  // and begins no earlier: the moment of a mend
  std::vector<FactKind> kinds;           // empty: all
  bool audit = false;                    // settings of the host too, a target or not
  bool look_at_memory = false;           // walks pages of targets: see EvidenceCost
  std::stop_token stop;                  // of look_at_memory: gives it up
};

// What looking cost the targets.
struct EvidenceCost {
  int64_t sum_ns = 0;      // in which a target's address space was looked at
  int64_t longest_ns = 0;  // the longest single look: a fault or munmap of it may have waited so long
  uint64_t look_count = 0;
  uint64_t page_count = 0;         // asked for one by one
  uint64_t beside_page_count = 0;  // of page_count, as LookCost has it
};

struct EvidenceAnswer {
  std::vector<Fact> facts;
  JudgeWindow window;
  std::optional<EvidenceCost> cost;  // absent: nothing was looked at
};

class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  // NOT_FOUND names a pid that is no target. Any thread but the housekeeping one: it reads files, and with look_at_memory it sleeps between
  // looks, some 0.3 s for a process. Of that: RESOURCE_EXHAUSTED, another look goes on; CANCELLED, it was given up.
  virtual absl::StatusOr<EvidenceAnswer> Facts(const EvidenceWish& wish) = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_EVIDENCE_SOURCE_H_
