#include "daemon/os/interface_addresses.h"

#include <arpa/inet.h>

#include <charconv>

#include "daemon/os/proc_numbers.h"

namespace hftmon {
namespace {

constexpr uint32_t kRouteUp = 0x1;
constexpr uint32_t kRouteGateway = 0x2;
constexpr size_t kHexOfIpv4 = 8;
constexpr size_t kHexOfIpv6 = 32;
constexpr std::string_view kMapped = "::ffff:";

std::string_view WithoutMapping(std::string_view address) {
  const std::string_view rest = address.starts_with(kMapped) ? address.substr(kMapped.size()) : address;
  return rest.find('.') == std::string_view::npos ? address : rest;
}

// A word of the kernel's memory, whose bytes are the address's in the order of the network.
std::optional<uint32_t> ParseWord(std::string_view hex) {
  uint32_t word = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), word, 16);
  if (error != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
  return word;
}

std::string Ipv4Text(uint32_t network_word) {
  char text[INET_ADDRSTRLEN] = "";
  return inet_ntop(AF_INET, &network_word, text, sizeof(text)) == nullptr ? "" : text;
}

// Of 32 digits; empty: they are none.
std::string Ipv6Text(std::string_view hex) {
  if (hex.size() != kHexOfIpv6) return "";
  in6_addr address{};
  for (size_t i = 0; i < sizeof(address.s6_addr); ++i) {
    const std::string_view digits = hex.substr(2 * i, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.s6_addr[i], 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return "";
  }
  char text[INET6_ADDRSTRLEN] = "";
  return inet_ntop(AF_INET6, &address, text, sizeof(text)) == nullptr ? "" : text;
}

std::vector<std::string> LinesOf(const FileRoot& root, std::string_view path) {
  auto lines = root.ReadLines(path);
  return lines.ok() ? *std::move(lines) : std::vector<std::string>();
}

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::string_view word = NextWord(&line); !word.empty(); word = NextWord(&line)) words.push_back(word);
  return words;
}

// "eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0"
void AddRoutes(const FileRoot& root, InterfaceAddresses* all) {
  for (const std::string& line : LinesOf(root, "/proc/net/route")) {
    const std::vector<std::string_view> words = WordsOf(line);
    if (words.size() < 8) continue;
    const auto destination = ParseWord(words[1]);
    const auto flags = ParseWord(words[3]);
    const auto mask = ParseWord(words[7]);
    if (!destination || !flags || !mask || *mask == 0) continue;
    if ((*flags & kRouteUp) == 0 || (*flags & kRouteGateway) != 0) continue;
    all->networks.push_back({.interface = std::string(words[0]), .address = ntohl(*destination), .mask = ntohl(*mask)});
  }
}

// "|-- 192.0.2.2", and below it "/32 host LOCAL".
void AddOwnIpv4(const FileRoot& root, InterfaceAddresses* all) {
  std::string address;
  for (const std::string& line : LinesOf(root, "/proc/net/fib_trie")) {
    const std::vector<std::string_view> words = WordsOf(line);
    if (words.size() == 2 && words[0] == "|--") {
      address = words[1];
    } else if (words.size() == 3 && words[0] == "/32" && words[2] == "LOCAL") {
      all->own.insert(address);
    }
  }
}

// "fd000000000000000000000000000002 04 40 00 82 eth0"
void AddOwnIpv6(const FileRoot& root, InterfaceAddresses* all) {
  for (const std::string& line : LinesOf(root, "/proc/net/if_inet6")) {
    const std::vector<std::string_view> words = WordsOf(line);
    if (words.size() < 6) continue;
    const std::string address = Ipv6Text(words[0]);
    if (address.empty()) continue;
    all->own.insert(address);
    all->interfaces[address].emplace(words[5]);
  }
}

// A line of an interface, "4 eth0 : 1 V3", and one for each group, "010000E0 1 0:00000000 0".
void AddGroupsIpv4(const FileRoot& root, InterfaceAddresses* all) {
  std::string interface;
  for (const std::string& line : LinesOf(root, "/proc/net/igmp")) {
    const std::vector<std::string_view> words = WordsOf(line);
    if (words.size() < 2 || words[0] == "Idx") continue;
    if (!line.starts_with('\t')) {
      interface = words[1].substr(0, words[1].find(':'));  // a long name leaves no blank before it
    } else if (const auto group = ParseWord(words[0]); words[0].size() == kHexOfIpv4 && group && !interface.empty()) {
      all->interfaces[Ipv4Text(*group)].insert(interface);
    }
  }
}

// "4 eth0 ff020000000000000000000000000001 1 0000000C 0"
void AddGroupsIpv6(const FileRoot& root, InterfaceAddresses* all) {
  for (const std::string& line : LinesOf(root, "/proc/net/igmp6")) {
    const std::vector<std::string_view> words = WordsOf(line);
    if (words.size() < 3) continue;
    if (const std::string group = Ipv6Text(words[2]); !group.empty()) all->interfaces[group].emplace(words[1]);
  }
}

}  // namespace

std::optional<std::string> InterfaceAddresses::InterfaceOf(std::string_view local) const {
  const std::string address(WithoutMapping(local));
  if (const auto known = interfaces.find(address); known != interfaces.end()) {
    return known->second.size() == 1 ? std::optional(*known->second.begin()) : std::nullopt;
  }
  in_addr parsed{};
  if (!own.contains(address) || inet_pton(AF_INET, address.c_str(), &parsed) != 1) return std::nullopt;
  const uint32_t number = ntohl(parsed.s_addr);
  uint32_t narrowest = 0;
  std::set<std::string> found;
  for (const ConnectedNetwork& one : networks) {
    if ((number & one.mask) != one.address || one.mask < narrowest) continue;
    if (one.mask > narrowest) found.clear();
    narrowest = one.mask;
    found.insert(one.interface);
  }
  return found.size() == 1 ? std::optional(*found.begin()) : std::nullopt;
}

bool InterfaceAddresses::IsOwn(std::string_view address) const {
  return IsLoopbackAddress(address) || own.contains(std::string(WithoutMapping(address)));
}

InterfaceAddresses ReadInterfaceAddresses(const FileRoot& root) {
  InterfaceAddresses all;
  AddRoutes(root, &all);
  AddOwnIpv4(root, &all);
  AddOwnIpv6(root, &all);
  AddGroupsIpv4(root, &all);
  AddGroupsIpv6(root, &all);
  return all;
}

bool IsLoopbackAddress(std::string_view address) {
  return address == "::1" || WithoutMapping(address).starts_with("127.");
}

}  // namespace hftmon
