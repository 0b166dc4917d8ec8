// KernelFunctions: names of the kernel's functions by their addresses, from /proc/kallsyms.
//
// Reads the file only when a name is asked for that it has not looked for yet: 60 ms for 120,000 symbols, once for all that are asked for
// together. A module that is loaded at an address that another one had before keeps that one's name. Bound: kNamesMax addresses are
// remembered, further ones have no name. Any thread but the housekeeping thread; one mutex inside.
#ifndef HFTMON_DAEMON_OS_KERNEL_FUNCTIONS_H_
#define HFTMON_DAEMON_OS_KERNEL_FUNCTIONS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "daemon/os/file_root.h"

namespace hftmon {

class KernelFunctions {
 public:
  static constexpr size_t kNamesMax = 4096;

  explicit KernelFunctions(FileRoot files) : files_(std::move(files)) {}

  // Looks for those among them that were not looked for before.
  void Learn(std::span<const uint64_t> addresses);
  // Of a function that begins there, as far as was learned; else the address in hexadecimal.
  std::string NameOf(uint64_t address) const;
  // Why the last search found none of all names; empty: it did, or there was none.
  std::string problem() const;

 private:
  std::set<uint64_t> Unknown(std::span<const uint64_t> addresses) const;

  const FileRoot files_;
  mutable std::mutex mutex_;
  std::map<uint64_t, std::string> names_;  // empty: it was looked for and is none
  std::string problem_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_KERNEL_FUNCTIONS_H_
