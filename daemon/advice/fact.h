// Fact: one thing that was measured or read, typed, of one window: what rules speak about. Passive data.
//
// Made by producers behind EvidenceSource, judged by Judge. What a kind of fact may and must hold, with units and sources, is written in
// fact_schema.h alone; a fact that breaks it is refused and counted, not guessed at. A value that is not known is not there: never 0.
#ifndef HFTMON_DAEMON_ADVICE_FACT_H_
#define HFTMON_DAEMON_ADVICE_FACT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hftmon {

// FactKindRow.help says what each is about.
enum class FactKind : uint8_t {
  kIrqOnCpu,
  kSoftirqOnCpu,
  kTickOnCpu,
  kCpuVisitor,
  kPreemption,
  kMigrations,
  kWaking,
  kInversion,
  kContendedLock,
  kHotPathSleep,
  kFaults,
  kShootdowns,
  kKernelStall,
  kNumaBalancingWork,
  kPlacement,
  kDeviceDistance,
  kCounterRate,
  kContendedLine,
  kHardware,
  kHostSetting,
  kCpuSetting,
};
inline constexpr size_t kFactKinds = static_cast<size_t>(FactKind::kCpuSetting) + 1;

// FactFieldRow says what each is: name, type, unit. The first three are those of Fact::thread.
enum class FactField : uint8_t {
  kTid,
  kProcessId,
  kComm,
  kCount,
  kSumNs,
  kLongestNs,
  kCpus,
  kCpu,
  kHousekeepingCpus,
  kNearHousekeepingCpus,
  kSpareCpus,
  kDeviceSpareCpus,
  kReservedCpus,
  kMissingCpus,
  kOldAffinity,
  kOldRpsCpus,
  kOldWorkqueueCpus,
  kIrq,
  kHandler,
  kIrqbalance,
  kSoftirq,
  kInterface,
  kQueue,
  kBlockDevice,
  kRqAffinity,
  kNohzFull,
  kActorTid,
  kActorComm,
  kActorKind,
  kMovable,
  kNamesakes,
  kVisitorGroup,
  kActorCount,
  kWorkFunction,
  kSpikeKind,
  kReason,
  kBound,
  kLockAddress,
  kOwnerTid,
  kOwnerComm,
  kOwnerOffShare,
  kOwnerRunningShare,
  kInherited,
  kWaiterCount,
  kOperation,
  kSyscall,
  kFaultKind,
  kAnonymous,
  kLockedBytes,
  kResidentBytes,
  kSwappedBytes,
  kSameProcess,
  kCall,
  kStall,
  kMapping,
  kFromNode,
  kToNode,
  kHomeNode,
  kRemoteShareLow,
  kHomeShare,
  kShared,
  kRoom,
  kPolicy,
  kDistanceRatio,
  kDeviceNode,
  kThreadNode,
  kDistance,
  kL3HitRatio,
  kInstructionsPerCycle,
  kLineAddress,
  kFalseSharing,
  kLayoutAdvice,
  kSource,
  kSiblingCpu,
  kSiblingTaken,
  kBusyShare,
  kIdleState,
  kIdleStateIndex,
  kIdleStateDisabled,
  kIdleLatencyNs,
  kDeepIdleCount,
  kThrottledBy,
  kRtRuntimeUs,
  kStatInterval,
  kThpEnabled,
  kThpDefrag,
  kNumaBalancing,
  kSetting,
  kValue,
  kValueWord,
  kValueCpus,
  kReserved,
  kTscAvailable,
  kNodeCount,
};
inline constexpr size_t kFactFields = static_cast<size_t>(FactField::kNodeCount) + 1;

using CpuList = std::vector<int>;  // ascending, each once
using FactValue = std::variant<int64_t, double, std::string, CpuList>;
using FactValues = std::map<FactField, FactValue>;

// The watched thread that the fact is about: whom it hurts.
struct FactThread {
  uint32_t tid = 0;
  uint32_t pid = 0;
  int64_t start_ns = 0;
  std::string comm;  // anybody's bytes: in sentences it is cleaned, in a command it never stands
};

inline constexpr size_t kFactSpikeIdsMax = 16;

// What a reader can go and look at.
struct FactEvidence {
  std::string sentence;  // with its numbers, in plain words
  int64_t begin_mono_ns = 0;
  int64_t end_mono_ns = 0;
  int64_t span_ns = 0;              // in which count and sum were counted; 0: in all of the window
  std::vector<uint64_t> spike_ids;  // at most kFactSpikeIdsMax, longest first
};

// How sure the figures are. Judge turns it into the confidence, with its reasons.
struct FactQuality {
  bool lost_records = false;  // records of its threads were lost in the window: there may be more
  bool truncated = false;     // a bound cut it: the window is shorter than asked for, or events were left out
  bool estimated = false;     // derived, not seen
  bool sampled = false;       // `samples` of them
  bool inconclusive = false;  // a spike of it was
  uint64_t samples = 0;       // sampled: how many
};

struct Fact {
  FactKind kind = FactKind::kHostSetting;
  std::optional<FactThread> thread;
  FactValues values;
  FactEvidence evidence;
  FactQuality quality;
};

// Facts that could not be looked for: rules that speak about them are not judged, which is told instead of silence.
struct MissingEvidence {
  FactKind kind = FactKind::kHostSetting;
  FactValues where;    // only of facts with these values (source: smi); empty: of the whole kind
  std::string reason;  // names the thing: "the probe group memory is not attached for 4711"
  std::string mend;    // "hftmon attach 4711 --probes memory"; empty: there is none
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_ADVICE_FACT_H_
