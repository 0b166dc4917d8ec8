// Many sockets that hear one multicast group and read nothing: each packet to it costs the receiving CPU's softirq that many deliveries.
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

// False, and errno says why, when it does not hear the group.
bool Join(const std::string& group, const std::string& interface_address, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof(local)) != 0) return false;
  ip_mreq membership{};
  inet_pton(AF_INET, group.c_str(), &membership.imr_multiaddr);
  inet_pton(AF_INET, interface_address.c_str(), &membership.imr_interface);
  return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)) == 0;
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"group", "interface", "port", "members"}, {"interactive"});
  const int64_t members = arguments.Number("members", 200, 1, 10'000);
  LimitLifetime(120);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::string refused;
  const std::string group = arguments.Text("group", "239.9.9.9");
  const std::string interface_address = arguments.Text("interface", "127.0.0.1");
  const auto port = static_cast<uint16_t>(arguments.Number("port", 9'999, 1, 65'535));
  for (int64_t i = 0; i < members && refused.empty(); ++i) {
    if (!Join(group, interface_address, port)) refused = std::string("joining ") + group + ": " + std::strerror(errno);
  }
  Session session(arguments.Flag("interactive"));
  session.Ready({{"refused", refused}});
  session.Result({{"workload", "udp_receivers"}});
  return refused.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
