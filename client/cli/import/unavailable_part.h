// UnavailablePart: what an answer of this process's own does not have, and why. A value.
#ifndef HFTMON_CLIENT_CLI_IMPORT_UNAVAILABLE_PART_H_
#define HFTMON_CLIENT_CLI_IMPORT_UNAVAILABLE_PART_H_

#include <string>

namespace hftmon {

struct UnavailablePart {
  std::string name;
  std::string reason;
};

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CLI_IMPORT_UNAVAILABLE_PART_H_
