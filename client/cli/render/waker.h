// Who woke a thread, for people and for programs.
#ifndef HFTMON_CLIENT_CLI_RENDER_WAKER_H_
#define HFTMON_CLIENT_CLI_RENDER_WAKER_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/wakers.pb.h"

namespace hftmon {

// "matcher[12/14] on CPU 3", "interrupt local_timer on CPU 1", "unknown": the waker alone, for a table's cell.
std::string WakerName(const v1::Waker& waker);

// A line, indented to stand below a spike: the waker, the relation of the two, and how long before `end_ns` it was.
std::string WakerText(const v1::Waker& waker, int64_t end_ns);

// {known, context, tid, pid, comm, cpu, …}; {known: false} alone when the record did not come.
Json WakerJson(const v1::Waker& waker);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_WAKER_H_
