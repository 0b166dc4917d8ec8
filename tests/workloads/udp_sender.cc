// Sends UDP packets in bursts to an address: a softirq load for whoever receives there. Says how many it sent. A time limit of its own.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"address", "port", "bursts", "packets", "period-us", "cpu"}, {"interactive"});
  const int64_t bursts = arguments.Number("bursts", 20, 1, 10'000);
  const int64_t packets = arguments.Number("packets", 500, 1, 100'000);
  const int64_t period_ns = arguments.Number("period-us", 20'000, 100, 1'000'000) * 1'000;
  PinTo(ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20)));
  LimitLifetime(60);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(arguments.Number("port", 9, 1, 65'535)));
  if (inet_pton(AF_INET, arguments.Text("address", "127.0.0.1").c_str(), &to.sin_addr) != 1) {
    std::fprintf(stderr, "--address: give an IPv4 address\n");
    return 3;
  }
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    std::fprintf(stderr, "socket: %s\n", std::strerror(errno));
    return 3;
  }
  Session session(arguments.Flag("interactive"));
  session.Ready({});
  const std::array<char, 64> payload{};
  const int64_t first_ns = NowNs() + period_ns;
  int64_t sent = 0;
  for (int64_t burst = 0; burst < bursts; ++burst) {
    SleepUntil(first_ns + burst * period_ns);
    for (int64_t i = 0; i < packets; ++i) {
      sent += sendto(fd, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) > 0 ? 1 : 0;
    }
  }
  close(fd);
  session.Result({{"workload", "udp_sender"}, {"sent", sent}});
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
