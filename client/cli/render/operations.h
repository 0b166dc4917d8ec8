// What programs mark themselves, for people and for programs. Pure functions.
#ifndef HFTMON_CLIENT_CLI_RENDER_OPERATIONS_H_
#define HFTMON_CLIENT_CLI_RENDER_OPERATIONS_H_

#include <string>

#include "client/cli/render/json.h"
#include "hftmon/v1/operations.pb.h"

namespace hftmon {

// A table of the operations, one of the gaps between heartbeats, then what cannot be read and why.
std::string OperationsText(const v1::QueryOperationsResponse& response);

// One object: operations (flat, each with its program's pid), programs (what became of their marks), refused, lost_records.
Json OperationsJson(const v1::QueryOperationsResponse& response);

// Records that cannot be true; of an index and of a name that is none, there is no record.
uint64_t RefusedMarks(const v1::MarkCounts& marks);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_RENDER_OPERATIONS_H_
