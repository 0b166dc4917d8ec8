// DropReasons: what this kernel calls its reasons for dropping packets, from its own types (enum skb_drop_reason, Linux 5.17). A value.
#ifndef HFTMON_DAEMON_COLLECTORS_DROP_REASONS_H_
#define HFTMON_DAEMON_COLLECTORS_DROP_REASONS_H_

#include <cstdint>
#include <map>
#include <string>

namespace hftmon {

class DropReasons {
 public:
  // `names` as the kernel has them, by number.
  explicit DropReasons(std::map<uint32_t, std::string> names = {}) : names_(std::move(names)) {}
  // Empty where the file cannot be read or has no such type.
  static DropReasons Read(const std::string& btf_path);

  // "SOCKET_RCVBUFF"; "reason 77" where it has no name here, "subsystem 2 reason 5" where it is none of the kernel's core. 0, which is no
  // reason: "not told (Linux before 5.17)".
  std::string NameOf(uint32_t reason) const;

 private:
  std::map<uint32_t, std::string> names_;
};

}  // namespace hftmon

#endif  // HFTMON_DAEMON_COLLECTORS_DROP_REASONS_H_
