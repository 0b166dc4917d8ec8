#include "daemon/pmu/core_kind.h"

#include "daemon/pmu/pmu_list.h"

namespace hftmon {
namespace {

CoreKind IntelKind(const ProcessorModel& model, std::string_view pmu_name) {
  if (model.family != 6) return CoreKind::kUnknown;
  switch (model.model) {
    case 0x4e:
    case 0x5e:
    case 0x8e:
    case 0x9e:
    case 0xa5:
    case 0xa6:
      return CoreKind::kIntelSkylake;
    case 0x55:
      return CoreKind::kIntelSkylakeServer;
    case 0x7d:
    case 0x7e:
    case 0x8c:
    case 0x8d:
    case 0xa7:
      return CoreKind::kIntelIceLake;
    case 0x6a:
    case 0x6c:
      return CoreKind::kIntelIceLakeServer;
    case 0x8f:
    case 0xcf:
      return CoreKind::kIntelSapphireRapids;
    case 0xbe:  // efficient cores alone, under the ordinary name
      return CoreKind::kIntelGracemont;
    case 0x97:
    case 0x9a:
    case 0xb7:
    case 0xba:
    case 0xbf:
      if (pmu_name == "cpu_core") return CoreKind::kIntelGoldenCove;
      if (pmu_name == "cpu_atom") return CoreKind::kIntelGracemont;
      // A guest's or a firmware's choice of one kind, which the name does not tell.
      return CoreKind::kUnknown;
    default:
      return CoreKind::kUnknown;
  }
}

CoreKind AmdKind(const ProcessorModel& model) {
  const auto in = [&model](uint32_t first, uint32_t last) { return model.model >= first && model.model <= last; };
  switch (model.family) {
    case 0x17:
      if (in(0x00, 0x2f) || in(0x50, 0x5f)) return CoreKind::kAmdZen1;
      if (in(0x30, 0x4f) || in(0x60, 0x7f) || in(0x90, 0x91) || in(0xa0, 0xaf)) return CoreKind::kAmdZen2;
      return CoreKind::kUnknown;
    case 0x19:
      if (in(0x00, 0x0f) || in(0x20, 0x5f)) return CoreKind::kAmdZen3;
      if (in(0x10, 0x1f) || in(0x60, 0xaf)) return CoreKind::kAmdZen4;
      return CoreKind::kUnknown;
    case 0x1a:
      if (in(0x00, 0x2f) || in(0x40, 0x4f) || in(0x60, 0x7f)) return CoreKind::kAmdZen5;
      return CoreKind::kUnknown;
    default:
      return CoreKind::kUnknown;
  }
}

}  // namespace

CoreKind CoreKindOf(const ProcessorModel& model, std::string_view pmu_name) {
  switch (model.vendor) {
    case ProcessorVendor::kIntel:
      return IntelKind(model, pmu_name);
    case ProcessorVendor::kAmd:
      return AmdKind(model);
    case ProcessorVendor::kArm:
      return IsArmPmuV3Name(pmu_name) ? CoreKind::kArmPmuV3 : CoreKind::kUnknown;
    case ProcessorVendor::kOther:
      break;
  }
  return CoreKind::kUnknown;
}

std::string_view CoreKindName(CoreKind kind) {
  switch (kind) {
    case CoreKind::kUnknown:
      return "a processor that has no table here";
    case CoreKind::kIntelSkylake:
      return "Intel Skylake";
    case CoreKind::kIntelSkylakeServer:
      return "Intel Skylake-SP";
    case CoreKind::kIntelIceLake:
      return "Intel Ice Lake";
    case CoreKind::kIntelIceLakeServer:
      return "Intel Ice Lake-SP";
    case CoreKind::kIntelGoldenCove:
      return "Intel Golden Cove";
    case CoreKind::kIntelSapphireRapids:
      return "Intel Sapphire Rapids";
    case CoreKind::kIntelGracemont:
      return "Intel Gracemont";
    case CoreKind::kAmdZen1:
      return "AMD Zen";
    case CoreKind::kAmdZen2:
      return "AMD Zen 2";
    case CoreKind::kAmdZen3:
      return "AMD Zen 3";
    case CoreKind::kAmdZen4:
      return "AMD Zen 4";
    case CoreKind::kAmdZen5:
      return "AMD Zen 5";
    case CoreKind::kArmPmuV3:
      return "Arm PMUv3";
  }
  return "a processor that has no table here";
}

}  // namespace hftmon
