// AddressRange: a piece of a process's memory that somebody asks about, such as one that a program named itself. A value.
#ifndef HFTMON_DAEMON_NUMA_ADDRESS_RANGE_H_
#define HFTMON_DAEMON_NUMA_ADDRESS_RANGE_H_

#include <cstdint>
#include <string>

namespace hftmon {

struct AddressRange {
  uint64_t start = 0;
  uint64_t end = 0;  // one past the last byte
  std::string name;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_NUMA_ADDRESS_RANGE_H_
