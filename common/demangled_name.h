// The name of a C++ function or variable as its source has it. Any thread.
#ifndef HFTMON_COMMON_DEMANGLED_NAME_H_
#define HFTMON_COMMON_DEMANGLED_NAME_H_

#include <string>

namespace hftmon {

// The name itself where it is not mangled; where it is longer than 1,024 bytes, or refers back so often that what it stands for could
// grow beyond megabytes (eleven bytes of a name are enough to double it); or where the result has more than 4,096 bytes.
std::string DemangledName(const std::string& name);

}  // namespace hftmon

#endif  // HFTMON_COMMON_DEMANGLED_NAME_H_
