// The page fault that a spike is about, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_FAULT_H_
#define HFTMON_CLIENT_CLI_RENDER_FAULT_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/memory.pb.h"

namespace hftmon {

// What is mapped: "file /usr/lib/libm.so.6", "anonymous memory", "heap", "stack", "special mapping", "unknown". `mapping` and `file` as
// FaultedMapping has them, and PageFault where its mapping is known.
std::string MappingText(const std::string& mapping, const std::string& file);

// A line, indented to stand below a spike: "page fault: minor, at 0x7f01a3c4, now file /usr/lib/libm.so.6 +0x1000": the mapping is that of
// when the daemon was asked. Without what follows the address where that is not known.
std::string FaultText(const v1::PageFault& fault);

// {major, in_kernel, address, mapping?, shared?, mapping_start?, file?, file_offset?}: what is not known is absent.
Json FaultJson(const v1::PageFault& fault);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_FAULT_H_
