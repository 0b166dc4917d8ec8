// A thread that sends packets to itself and reads them, and knows how long each was on its way. One of:
//   datagrams   --count UDP datagrams over loopback, each read --delay-us after it was sent;
//   burst       the same, but all are sent before the first is read;
//   overflow    --count datagrams to a socket with little room, then all that fitted are read;
//   stream      --count segments of a TCP connection over loopback, each read --delay-us after it was sent;
//   retransmit  a segment that its receiver drops for --delay-us, and then takes;
//   crowd       --count datagrams to a multicast group over loopback that 300 sockets hear, which read nothing: each costs the softirq, in
//   the
//               sender's own time, that many deliveries;
//   veth        --count datagrams through a pair of virtual interfaces, in a network namespace of its own, that polls them.
// One datagram, or byte, is read before all others: the first read of a socket is how it becomes known. With "refused" set it could not be
// made here, and why.
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr char kInner[] = "hftv0";
constexpr char kPolled[] = "hftv1";
constexpr char kAddress[] = "10.9.0.1";
constexpr char kSender[] = "10.9.0.2";  // nobody's
constexpr uint16_t kVethPort = 9'099;
constexpr size_t kPayload = 100;
constexpr char kGroup[] = "239.9.9.8";
constexpr int kCrowd = 300;

struct Stage {
  std::string kind;
  int64_t count = 0;
  int64_t delay_ns = 0;
  int reader = -1;
  int writer = -1;
  sockaddr_in to{};
  sockaddr_ll link{};
  std::vector<char> frame;  // veth: what is sent
  std::string refused;
  int64_t sent_count = 0;
  int64_t read_count = 0;
  int64_t on_the_way_ns = 0;  // the sum of what the thread measured, from before a send to after its read
  uint32_t retransmit_count = 0;
};

bool Refuse(Stage& stage, const std::string& call) {
  if (stage.refused.empty()) stage.refused = call + ": " + std::strerror(errno);
  return false;
}

bool BindReader(Stage& stage, int type, const char* address, uint16_t port) {
  stage.reader = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  stage.to.sin_family = AF_INET;
  stage.to.sin_port = htons(port);
  inet_pton(AF_INET, address, &stage.to.sin_addr);
  if (bind(stage.reader, reinterpret_cast<const sockaddr*>(&stage.to), sizeof(stage.to)) != 0) return Refuse(stage, "bind");
  socklen_t length = sizeof(stage.to);
  return getsockname(stage.reader, reinterpret_cast<sockaddr*>(&stage.to), &length) == 0 || Refuse(stage, "getsockname");
}

bool MakeDatagrams(Stage& stage) {
  if (!BindReader(stage, SOCK_DGRAM, "127.0.0.1", 0)) return false;
  if (stage.kind == "overflow") {
    const int bytes = 8'192;
    setsockopt(stage.reader, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  }
  stage.writer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return stage.writer >= 0 || Refuse(stage, "socket");
}

bool MakeCrowd(Stage& stage) {
  if (!BindReader(stage, SOCK_DGRAM, "0.0.0.0", 0)) return false;
  inet_pton(AF_INET, kGroup, &stage.to.sin_addr);
  ip_mreq membership{};
  inet_pton(AF_INET, kGroup, &membership.imr_multiaddr);
  inet_pton(AF_INET, "127.0.0.1", &membership.imr_interface);
  close(stage.reader);  // it was for the port
  stage.reader = -1;
  const int on = 1;
  for (int i = 0; i < kCrowd; ++i) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in local{};
    local.sin_family = AF_INET;
    local.sin_port = stage.to.sin_port;
    if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof(local)) != 0) return Refuse(stage, "bind");
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)) != 0) return Refuse(stage, "IP_ADD_MEMBERSHIP");
  }
  stage.writer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return setsockopt(stage.writer, IPPROTO_IP, IP_MULTICAST_IF, &membership.imr_interface, sizeof(in_addr)) == 0 ||
         Refuse(stage, "IP_MULTICAST_IF");
}

bool MakeStream(Stage& stage) {
  if (!BindReader(stage, SOCK_STREAM, "127.0.0.1", 0)) return false;
  const int listener = stage.reader;
  stage.writer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listen(listener, 1) != 0) return Refuse(stage, "listen");
  if (connect(stage.writer, reinterpret_cast<const sockaddr*>(&stage.to), sizeof(stage.to)) != 0) return Refuse(stage, "connect");
  stage.reader = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  close(listener);
  const int on = 1;
  setsockopt(stage.writer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return stage.reader >= 0 || Refuse(stage, "accept");
}

// 0: it ended well.
int Ip(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "ip");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, "ip", nullptr, nullptr, pointers.data(), environ) != 0) return -1;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool SetFeature(int fd, const char* interface, uint32_t command, uint32_t on) {
  ethtool_value value{.cmd = command, .data = on};
  ifreq request{};
  std::strcpy(request.ifr_name, interface);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

uint16_t Checksum(const void* data, size_t bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes; i += 2) {
    uint16_t word = 0;
    std::memcpy(&word, static_cast<const char*>(data) + i, 2);
    sum += word;
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// A datagram from nobody's address, as the interface on the other end would send it.
void MakeFrame(Stage& stage, const char* destination) {
  ether_header ethernet{};
  std::memcpy(ethernet.ether_dhost, destination, ETH_ALEN);
  std::memset(ethernet.ether_shost, 2, ETH_ALEN);
  ethernet.ether_type = htons(ETHERTYPE_IP);
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.tot_len = htons(sizeof(iphdr) + sizeof(udphdr) + kPayload);
  inet_pton(AF_INET, kSender, &ip.saddr);
  inet_pton(AF_INET, kAddress, &ip.daddr);
  ip.check = Checksum(&ip, sizeof(ip));
  udphdr udp{};
  udp.source = htons(kVethPort);
  udp.dest = htons(kVethPort);
  udp.len = htons(sizeof(udphdr) + kPayload);  // and no checksum
  stage.frame.resize(sizeof(ethernet) + sizeof(ip) + sizeof(udp) + kPayload);
  std::memcpy(stage.frame.data(), &ethernet, sizeof(ethernet));
  std::memcpy(stage.frame.data() + sizeof(ethernet), &ip, sizeof(ip));
  std::memcpy(stage.frame.data() + sizeof(ethernet) + sizeof(ip), &udp, sizeof(udp));
}

// The namespace goes with this process, and the interfaces with it.
bool MakeVeth(Stage& stage) {
  if (unshare(CLONE_NEWNET) != 0) return Refuse(stage, "unshare(CLONE_NEWNET)");
  std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << "1";  // the new namespace's own: else it sends by itself
  errno = 0;
  if (Ip({"link", "add", kInner, "type", "veth", "peer", "name", kPolled}) != 0) return Refuse(stage, "ip link add (iproute2, veth)");
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // Without these a veth interface uses the backlog.
  if (!SetFeature(any, kInner, ETHTOOL_STSO, 0)) return Refuse(stage, "ETHTOOL_STSO");
  if (!SetFeature(any, kPolled, ETHTOOL_SGRO, 1)) return Refuse(stage, "ETHTOOL_SGRO");
  if (Ip({"address", "add", std::string(kAddress) + "/24", "dev", kPolled}) != 0) return Refuse(stage, "ip address add");
  if (Ip({"link", "set", kPolled, "up"}) != 0 || Ip({"link", "set", kInner, "up"}) != 0) return Refuse(stage, "ip link set up");
  ifreq request{};
  std::strcpy(request.ifr_name, kPolled);
  if (ioctl(any, SIOCGIFHWADDR, &request) != 0) return Refuse(stage, "SIOCGIFHWADDR");
  close(any);
  MakeFrame(stage, request.ifr_hwaddr.sa_data);
  stage.writer = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (stage.writer < 0) return Refuse(stage, "socket(AF_PACKET)");
  stage.link.sll_family = AF_PACKET;
  stage.link.sll_ifindex = static_cast<int>(if_nametoindex(kInner));
  stage.link.sll_halen = ETH_ALEN;
  return BindReader(stage, SOCK_DGRAM, kAddress, kVethPort);
}

void Make(Stage& stage) {
  if (stage.kind == "veth") {
    MakeVeth(stage);
  } else if (stage.kind == "crowd") {
    MakeCrowd(stage);
  } else if (stage.kind == "stream" || stage.kind == "retransmit") {
    MakeStream(stage);
  } else {
    MakeDatagrams(stage);
  }
  timeval patience{.tv_sec = 5, .tv_usec = 0};  // what is lost is told by the counts
  if (stage.reader >= 0) setsockopt(stage.reader, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

bool Send(Stage& stage) {
  const std::array<char, kPayload> payload{};
  if (stage.kind == "veth") {
    return sendto(stage.writer, stage.frame.data(), stage.frame.size(), 0, reinterpret_cast<const sockaddr*>(&stage.link),
                  sizeof(stage.link)) > 0;
  }
  if (stage.kind == "stream" || stage.kind == "retransmit") return send(stage.writer, payload.data(), payload.size(), 0) > 0;
  return sendto(stage.writer, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&stage.to), sizeof(stage.to)) > 0;
}

bool Read(Stage& stage, int flags = 0) {
  std::array<char, 2 * kPayload> buffer;
  return recv(stage.reader, buffer.data(), buffer.size(), flags) > 0;
}

void OneByOne(Stage& stage) {
  for (int64_t i = 0; i < stage.count; ++i) {
    const int64_t begin_ns = NowNs();
    if (!Send(stage)) continue;
    ++stage.sent_count;
    if (stage.delay_ns > 0) SleepUntil(begin_ns + stage.delay_ns);
    if (!Read(stage)) continue;
    ++stage.read_count;
    stage.on_the_way_ns += NowNs() - begin_ns;
  }
}

void AllAtOnce(Stage& stage) {
  std::vector<int64_t> begins_ns;
  for (int64_t i = 0; i < stage.count; ++i) {
    begins_ns.push_back(NowNs());
    stage.sent_count += Send(stage) ? 1 : 0;
  }
  while (Read(stage, MSG_DONTWAIT)) {
    const auto at = static_cast<size_t>(stage.read_count++);
    if (at < begins_ns.size()) stage.on_the_way_ns += NowNs() - begins_ns[at];
  }
}

// The receiver's filter drops all that comes.
void DropForAWhile(Stage& stage) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{.len = 1, .filter = &nothing};
  if (setsockopt(stage.reader, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) Refuse(stage, "SO_ATTACH_FILTER");
  stage.sent_count += Send(stage) ? 1 : 0;
  SleepUntil(NowNs() + stage.delay_ns);
  const int on = 1;
  setsockopt(stage.reader, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof(on));
  stage.read_count += Read(stage) ? 1 : 0;
  tcp_info info{};
  socklen_t length = sizeof(info);
  getsockopt(stage.writer, IPPROTO_TCP, TCP_INFO, &info, &length);
  stage.retransmit_count = info.tcpi_total_retrans;
}

void Act(Stage& stage) {
  if (stage.kind == "retransmit") {  // its sender is known by what it reads
    char byte = 0;
    send(stage.reader, &byte, 1, 0);
    recv(stage.writer, &byte, 1, 0);
    return DropForAWhile(stage);
  }
  if (stage.kind == "crowd") {
    for (int64_t i = 0; i < stage.count; ++i) {
      stage.sent_count += Send(stage) ? 1 : 0;
      SleepUntil(NowNs() + stage.delay_ns);
    }
    return;
  }
  if (!Send(stage) || !Read(stage)) return;
  if (stage.kind == "burst" || stage.kind == "overflow") return AllAtOnce(stage);
  OneByOne(stage);
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"cpu", "kind", "count", "delay-us"}, {"interactive"});
  Stage stage;
  stage.kind = arguments.Text("kind", "datagrams");
  stage.count = arguments.Number("count", 200, 1, 100'000);
  stage.delay_ns = arguments.Number("delay-us", 2'000, 0, 5'000'000) * 1'000;
  LimitLifetime(120);
  Name("packet_reader");
  PinTo(ChooseCpu(arguments.Number("cpu", -1, 0, 1 << 20)));
  Make(stage);
  Session session(arguments.Flag("interactive"));
  session.Ready({{"tid", Tid()}, {"fd", stage.reader}, {"port", ntohs(stage.to.sin_port)}, {"refused", stage.refused}});
  if (stage.refused.empty()) Act(stage);
  session.Result({{"workload", "packet_reader"},
                  {"tid", Tid()},
                  {"sent_count", stage.sent_count},
                  {"read_count", stage.read_count},
                  {"on_the_way_ns", stage.on_the_way_ns},
                  {"retransmit_count", stage.retransmit_count},
                  {"refused", stage.refused}});
  return stage.refused.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
