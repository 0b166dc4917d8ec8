#include "daemon/service/convert_fault.h"

#include <string_view>

#include "common/utf8.h"

namespace hftmon {

void FaultToProto(const KernelStall& fault, v1::PageFault* out) {
  out->set_major(IsMajor(fault.fault_kind));
  out->set_in_kernel(IsInKernel(fault.fault_kind));
  out->set_address(fault.address);
}

const char* MappingKind(const ProcMapping* mapping) {
  if (mapping == nullptr) return "unknown";
  const std::string_view name = mapping->name;
  if (name.empty() || name.starts_with("[anon")) return "anonymous";
  if (name == "[heap]") return "heap";
  if (name.starts_with("[stack")) return "stack";
  return name.starts_with("[") ? "special" : "file";
}

void PlaceToProto(const ProcMapping* mapping, v1::PageFault* out) {
  if (mapping == nullptr) return;
  const std::string kind = MappingKind(mapping);
  out->set_mapping(kind);
  out->set_shared(mapping->shared);
  out->set_mapping_start(mapping->start);
  if (kind != "file") return;
  out->set_file(ValidUtf8(mapping->name));
  out->set_file_offset(mapping->file_offset + (out->address() - mapping->start));
}

}  // namespace hftmon
