// What devices made interrupts of, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_COALESCING_H_
#define HFTMON_CLIENT_CLI_RENDER_COALESCING_H_

#include <cstdint>
#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/interrupts.pb.h"

namespace hftmon {

// A table of interfaces and one of block devices. `over_ns`: of a part of the time, with rates; 0: since the kernel counts.
std::string CoalescingText(const v1::InterruptCoalescing& coalescing, int64_t over_ns);

// What `coalescing` of the answer is.
Json CoalescingJson(const v1::InterruptCoalescing& coalescing, int64_t over_ns);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_COALESCING_H_
