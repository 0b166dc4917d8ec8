// CoreKind: the kinds of core whose events stand in our tables: one design, one set of event numbers. Pure, any thread.
#ifndef HFTMON_DAEMON_PMU_CORE_KIND_H_
#define HFTMON_DAEMON_PMU_CORE_KIND_H_

#include <string_view>

#include "daemon/pmu/processor_model.h"

namespace hftmon {

enum class CoreKind {
  kUnknown,  // only the kernel's generic events
  kIntelSkylake,
  kIntelSkylakeServer,  // Skylake-SP, Cascade Lake, Cooper Lake
  kIntelIceLake,        // Ice Lake, Tiger Lake, Rocket Lake
  kIntelIceLakeServer,
  kIntelGoldenCove,      // the performance cores of Alder and Raptor Lake
  kIntelSapphireRapids,  // and Emerald Rapids
  kIntelGracemont,       // their efficient cores
  kAmdZen1,
  kAmdZen2,
  kAmdZen3,
  kAmdZen4,
  kAmdZen5,
  kArmPmuV3,
};

// `pmu_name` tells apart the cores of a hybrid processor ("cpu_core", "cpu_atom"), and Arm's PMUv3 from other PMUs on Arm. Models that are
// not known for sure are kUnknown: another's numbers would count something else.
CoreKind CoreKindOf(const ProcessorModel& model, std::string_view pmu_name);

// "Intel Sapphire Rapids".
std::string_view CoreKindName(CoreKind kind);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_PMU_CORE_KIND_H_
