// From a record of Arm's statistical profiling (SPE) to the DataSource of its access. Pure, any thread.
#ifndef HFTMON_COMMON_PERF_SPE_DATA_SOURCE_H_
#define HFTMON_COMMON_PERF_SPE_DATA_SOURCE_H_

#include <cstdint>

#include "common/perf/data_source.h"
#include "common/perf/spe_records.h"

namespace hftmon {

// How a CPU writes data source packets, which is its implementer's choice.
enum class SpeSourceEncoding : uint8_t {
  kUnknown,  // not read then: the events alone tell
  kArm,      // Neoverse N1, N2, V1, V2; Cortex-A720, A725, X1C, X3, X925 (their technical reference manuals)
  kAmpere,   // AmpereOne AC04
};

// Of a CPU's MIDR_EL1. Revisions do not matter.
SpeSourceEncoding SpeSourceEncodingOf(uint64_t midr);

// Neither load nor store: the operation was another one.
//
// The level is that of the data source packet, which loads alone have in these encodings; without one, or of an encoding that is not
// known, the events': the farthest cache that was asked, hit or missed. What came from another core's cache is `peer`, clean or dirty: only
// the events of FEAT_SPEv1p4 tell a line that was snooped and modified, and that alone is HITM. In kArm the local cluster is a peer
// (servers have no cache of the cluster); DRAM is the local node's unless the remote event is told.
DataSource SpeDataSource(const SpeRecord& record, SpeSourceEncoding encoding);

}  // namespace hftmon

#endif  // HFTMON_COMMON_PERF_SPE_DATA_SOURCE_H_
