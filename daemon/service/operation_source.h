// OperationSource: the seam through which the service reads what programs marked. Implemented by the daemon, faked in tests. Any thread.
#ifndef HFTMON_DAEMON_SERVICE_OPERATION_SOURCE_H_
#define HFTMON_DAEMON_SERVICE_OPERATION_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/markers/marker_reader.h"
#include "daemon/markers/operation_books.h"
#include "daemon/operations/operation_slowness.h"

namespace hftmon {

class OperationSource {
 public:
  virtual ~OperationSource() = default;
  // Why marks cannot be read here, and the mend; empty: they can.
  virtual std::string WhyNot() const = 0;
  virtual std::vector<MarkedProgram> ProgramsOf(uint32_t pid) const = 0;
  // By operation, of a program that ProgramsOf told of (MarkedProgram.span_file_id); empty: nothing is known.
  virtual std::vector<OperationSlowness> SlownessOf(uint64_t span_file_id) const = 0;
  virtual MarkerReader::Status Files() const = 0;
  // Marked programs that ended and are known no more.
  virtual uint64_t ForgottenCount() const = 0;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_SERVICE_OPERATION_SOURCE_H_
