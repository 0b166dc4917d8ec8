// InterfaceAddresses: which network interface packets to an address come through, and which addresses are the host's own. Passive data.
//
// Reads: /proc/net/{route, fib_trie, if_inet6, igmp, igmp6}: those of the network namespace of the thread that reads. A file that is not
// there (no IPv6, no multicast) tells nothing. Addresses are text as inet_ntop writes it; IPv4 within IPv6 ("::ffff:10.0.0.1") is IPv4. Any
// thread; stateless; system calls, some 100 us: for a request.
#ifndef HFTMON_DAEMON_OS_INTERFACE_ADDRESSES_H_
#define HFTMON_DAEMON_OS_INTERFACE_ADDRESSES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/os/file_root.h"

namespace hftmon {

// An IPv4 network that an interface is connected to, in the order of bytes of the host.
struct ConnectedNetwork {
  std::string interface;
  uint32_t address = 0;
  uint32_t mask = 0;
};

struct InterfaceAddresses {
  std::vector<ConnectedNetwork> networks;
  std::set<std::string> own;                                // of IPv4 and IPv6, those of loopback too
  std::map<std::string, std::set<std::string>> interfaces;  // by the address: IPv6's own, and groups that were joined, of either

  // Of a socket's local address: of an own address the interface whose connected network is the narrowest that holds it, of a group the one
  // that joined it. Absent: it is bound to no address, to another's, or several interfaces have it.
  std::optional<std::string> InterfaceOf(std::string_view local) const;
  // Loopback's or an own one: what comes from there goes through no device.
  bool IsOwn(std::string_view address) const;
};

InterfaceAddresses ReadInterfaceAddresses(const FileRoot& root);

// 127.0.0.0/8 and ::1, as IPv4 within IPv6 too.
bool IsLoopbackAddress(std::string_view address);

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_INTERFACE_ADDRESSES_H_
